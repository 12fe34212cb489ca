"""Compose and Kubernetes give each service the settings that it needs, and none that it does not know."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.runtime.settings import ServiceSettings, load_settings
from services.challenge.settings import ChallengeSettings
from services.device_trust.settings import DeviceTrustSettings
from services.download_planning.settings import DownloadPlanningSettings
from services.gateway.settings import GatewaySettings
from services.identity.settings import IdentitySettings

ROOT = Path(__file__).parents[3]
SETTINGS: dict[str, type[ServiceSettings]] = {
    "identity": IdentitySettings,
    "device-trust": DeviceTrustSettings,
    "challenge": ChallengeSettings,
    "download-planning": DownloadPlanningSettings,
    "gateway": GatewaySettings,
}
PREFIX = "HEARTHGATE_"


def _known(settings_type: type[ServiceSettings]) -> set[str]:
    return {PREFIX + name.upper() for name in settings_type.model_fields}


def _required(settings_type: type[ServiceSettings]) -> set[str]:
    return {PREFIX + name.upper() for name, field in settings_type.model_fields.items() if field.is_required()}


def _env_file(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    pairs = (line.split("=", 1) for line in lines)
    return {name: "".join(shlex.split(value)) for name, value in pairs}


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_starts_with_what_compose_gives_it(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]
    files = [_env_file(ROOT / name) for name in compose["env_file"]]
    given = {name: str(value) for name, value in compose["environment"].items() if "$" not in str(value)}
    for environment in (*files, given):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert {name for name in environment if name.startswith(PREFIX)} <= _known(SETTINGS[service])
    assert load_settings(SETTINGS[service]).listen_address == "0.0.0.0:7400"


@pytest.mark.parametrize("service", SETTINGS)
def test_kubernetes_names_every_required_setting_and_no_unknown_one(
    service: str, manifests: list[dict[str, Any]]
) -> None:
    deployment = _named(manifests, "Deployment", f"hearthgate-{service}")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    names = {entry["name"] for entry in container.get("env", [])}
    for source in container.get("envFrom", []):
        names |= set(_named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"])
    ours = {name for name in names if name.startswith(PREFIX)}
    assert _required(SETTINGS[service]) <= ours
    assert ours <= _known(SETTINGS[service])


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    """The production overlay, rendered."""
    kubectl, kustomize = shutil.which("kubectl"), shutil.which("kustomize")
    command = [kubectl, "kustomize"] if kubectl else [kustomize, "build"]
    if command[0] is None:
        pytest.skip("neither kubectl nor kustomize is installed; `make lint` demands one of them")
    overlay = ROOT / "k8s" / "overlays" / "production"
    rendered = subprocess.run([*command, str(overlay)], capture_output=True, text=True, check=True)
    return [document for document in yaml.safe_load_all(rendered.stdout) if document]


def _named(manifests: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(each for each in manifests if each["kind"] == kind and each["metadata"]["name"].startswith(name))
