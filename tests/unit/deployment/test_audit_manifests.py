"""The audit log is anchored outside of its database and verified daily, and mails have their "it wasn't me"."""

from __future__ import annotations

import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.devstack.environment import ANCHORS, NOT_ME_PAGE, Surroundings, environment_of
from libs.devstack.secrets import SERVICES, Secrets
from tools.validate_manifests import KUBERNETES_VERSION, find_problems, render

ROOT = Path(__file__).parents[3]
K8S = ROOT / "k8s"
ANCHOR_FILE, DISOWN_URL = "HEARTHGATE_AUDIT_ANCHOR_FILE", "HEARTHGATE_DISOWN_URL"
CLAIM = "hearthgate-audit-anchors"


@cache
def _rendered() -> list[dict[str, Any]]:
    return render(K8S / "overlays" / "production")


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    """The production overlay, rendered; a copy to damage."""
    if not shutil.which("kubectl") and not shutil.which("kustomize"):
        pytest.skip("neither kubectl nor kustomize is installed; `make lint` demands one of them")
    return deepcopy(_rendered())


def problems(documents: list[dict[str, Any]]) -> list[str]:
    """What the validator says."""
    return list(find_problems(documents, KUBERNETES_VERSION))


def find(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """The one of this kind whose name begins so."""
    (found,) = [each for each in documents if each["kind"] == kind and each["metadata"]["name"].startswith(name)]
    return found


def verifier(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The pod of the daily verification."""
    pod: dict[str, Any] = find(documents, "CronJob", "hearthgate-audit-verify-")["spec"]["jobTemplate"]["spec"][
        "template"
    ]["spec"]
    return pod


def server(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The pod of identity's servers."""
    pod: dict[str, Any] = find(documents, "Deployment", "hearthgate-identity")["spec"]["template"]["spec"]
    return pod


def test_servers_append_to_a_claim_that_the_daily_verification_reads(documents: list[dict[str, Any]]) -> None:
    assert problems(documents) == []
    job = find(documents, "CronJob", "hearthgate-audit-verify-")["spec"]
    assert (job["schedule"].split()[2:], job.get("suspend", False)) == (["*", "*", "*"], False)
    container = verifier(documents)["containers"][0]
    assert container["command"] == ["python", "-m", "services.identity.audit_job", "verify"]
    told = {entry["name"] for entry in container["env"]}
    assert told == {"HEARTHGATE_DATABASE_URL", "HEARTHGATE_CONTACT_KEYS", "HEARTHGATE_AUDIT_KEYS"}
    assert container["envFrom"] == server(documents)["containers"][0]["envFrom"], "the same file, the same settings"


def test_mails_have_the_link_of_a_page(documents: list[dict[str, Any]]) -> None:
    (url,) = [each["data"][DISOWN_URL] for each in documents if DISOWN_URL in each.get("data", {})]
    assert url.endswith("#{token}")


def test_anchors_that_go_with_their_pod_are_found(documents: list[dict[str, Any]]) -> None:
    volume = next(each for each in server(documents)["volumes"] if each["name"] == "audit-anchors")
    del volume["persistentVolumeClaim"]
    volume["emptyDir"] = {}
    assert [each for each in problems(documents) if f"{ANCHOR_FILE} must stand on a claim" in each]


@pytest.mark.parametrize("change", [None, ["ReadWriteOnce"]])
def test_a_claim_that_is_gone_or_of_one_node_is_found(
    documents: list[dict[str, Any]], change: list[str] | None
) -> None:
    claim = find(documents, "PersistentVolumeClaim", CLAIM)
    if change is None:
        documents.remove(claim)
    else:
        claim["spec"]["accessModes"] = change
    assert [each for each in problems(documents) if "ReadWriteMany: every replica appends" in each]


def test_a_verification_that_is_gone_or_suspended_is_found(documents: list[dict[str, Any]]) -> None:
    find(documents, "CronJob", "hearthgate-audit-verify-")["spec"]["suspend"] = True
    assert [each for each in problems(documents) if "no CronJob verifies the audit log" in each]


def test_a_verification_that_could_write_the_anchors_is_found(documents: list[dict[str, Any]]) -> None:
    mount = next(m for m in verifier(documents)["containers"][0]["volumeMounts"] if m["name"] == "audit-anchors")
    del mount["readOnly"]
    assert [each for each in problems(documents) if "must see the anchors of the servers, read-only" in each]


def test_the_base_needs_no_shared_volume_and_verifies_all_the_same(documents: list[dict[str, Any]]) -> None:
    """Many a cluster has none: there the anchors are in the log."""
    base = render(K8S / "base")
    assert problems(base) == []
    assert "audit-anchors" not in yaml.safe_dump_all(base)
    assert verifier(base)["containers"][0]["command"] == verifier(documents)["containers"][0]["command"]


def test_compose_keeps_the_anchors_on_a_volume_of_their_own_and_gives_mails_their_link() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    identity = compose["services"]["identity"]
    volume, folder = identity["volumes"][0].split(":")
    assert volume in compose["volumes"]
    assert Path(identity["environment"][ANCHOR_FILE]).parent == Path(folder)
    assert f"install -d -o 10001 -g 10001 -m 0750 {folder}\n" in (ROOT / "Dockerfile").read_text(), (
        "as the image has it"
    )
    assert compose["services"]["challenge"]["environment"][DISOWN_URL].endswith("#{token}")


def test_a_local_stack_keeps_the_anchors_in_its_folder_and_gives_mails_their_link(tmp_path: Path) -> None:
    around = Surroundings(
        database_urls=dict.fromkeys(SERVICES, ""), addresses={}, smtp_url="", text_url="", data_dir=tmp_path
    )
    secrets = Secrets.of(tmp_path)
    assert environment_of("identity", secrets, around)[ANCHOR_FILE] == str(tmp_path / ANCHORS)
    assert environment_of("challenge", secrets, around)[DISOWN_URL] == NOT_ME_PAGE
