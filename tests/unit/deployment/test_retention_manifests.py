"""Either the servers apply the retention or a CronJob does: the validator sees both, and neither."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tools.validate_manifests import KUBERNETES_VERSION, find_problems, render

BASE = Path(__file__).parents[3] / "k8s" / "base"


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    """The base, rendered."""
    if not shutil.which("kubectl") and not shutil.which("kustomize"):
        pytest.skip("neither kubectl nor kustomize is installed; `make lint` demands one of them")
    return render(BASE)


def problems(documents: list[dict[str, Any]]) -> list[str]:
    """What the validator says."""
    return list(find_problems(documents, KUBERNETES_VERSION))


def cron_jobs(documents: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Those of this name, one for each service that has it."""
    return [each for each in documents if each["kind"] == "CronJob" and each["metadata"]["name"].startswith(name)]


def test_the_base_has_one_retention_job_for_each_service(documents: list[dict[str, Any]]) -> None:
    assert problems(documents) == []
    assert len(cron_jobs(documents, "hearthgate-retention-")) == 5


def test_servers_that_delete_beside_the_job_are_found(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        if document["kind"] == "ConfigMap":
            document["data"].pop("HEARTHGATE_RETENTION_LOOP", None)
    assert sum("and a CronJob applies the retention, too" in each for each in problems(documents)) == 5


def test_a_service_whose_job_is_gone_or_suspended_is_found(documents: list[dict[str, Any]]) -> None:
    gone, suspended, *_ = cron_jobs(documents, "hearthgate-retention-")
    documents.remove(gone)
    suspended["spec"]["suspend"] = True
    assert sum("no CronJob applies the retention" in each for each in problems(documents)) == 2


def test_a_job_that_gets_a_key_which_it_does_not_need_is_found(documents: list[dict[str, Any]]) -> None:
    job, *_ = cron_jobs(documents, "hearthgate-retention-")
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    reference = {"secretKeyRef": {"name": "hearthgate-identity", "key": "contact-keys"}}
    container["env"].append({"name": "HEARTHGATE_CONTACT_KEYS", "valueFrom": reference})
    assert [each for each in problems(documents) if "the database alone" in each]


def test_keys_are_never_rotated_by_the_calendar(documents: list[dict[str, Any]]) -> None:
    (job,) = cron_jobs(documents, "hearthgate-rotate-keys-")
    assert job["spec"]["suspend"] is True
