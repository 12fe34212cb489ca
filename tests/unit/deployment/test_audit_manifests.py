"""The audit log is anchored outside of its database and verified daily, and mails have their "it wasn't me"."""

from __future__ import annotations

import os
import re
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
CLAIM = "hearthgate-audit-anchors-identity"


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


@pytest.fixture
def without_a_shared_volume(documents: list[dict[str, Any]], tmp_path: Path) -> list[dict[str, Any]]:
    """The overlay that docs/deployment.md has for a cluster without ReadWriteMany, over the production one."""
    patches = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "deployment.md").read_text(), re.DOTALL)
    assert patches is not None
    production = os.path.relpath(K8S / "overlays" / "production", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{production}]\n{patches[1]}")
    return render(tmp_path)


def test_what_the_page_says_for_a_cluster_without_such_a_volume_renders_and_is_sound(
    without_a_shared_volume: list[dict[str, Any]],
) -> None:
    documents = without_a_shared_volume
    assert problems(documents) == []
    assert "audit-anchors" not in yaml.safe_dump_all(documents)
    assert verifier(documents)["containers"][0]["command"][-1] == "verify", "it is looked at all the same"


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
