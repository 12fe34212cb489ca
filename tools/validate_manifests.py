"""Render the Kustomize base and every overlay, and check what comes out. Needs no cluster and no network.

Each document is validated strictly against the Kubernetes API's schema, and each workload against the rules of this
project: restricted pod security, probes, limits, drain time, autoscaler, disruption budget, network policies.
Prints one line for each finding; exit code 1 where there is any, 2 where a folder cannot be rendered.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import yaml

Document = Mapping[str, Any]
Documents = list[dict[str, Any]]

KUBERNETES_VERSION: Final = "1.34"
"""The oldest version that the manifests are for: the preStop `sleep` action is stable since it."""
RENDER_SECONDS: Final = 60
GRPC_PORT: Final = 7400
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
NAME_LABEL: Final = "app.kubernetes.io/name"
GATEWAY: Final = "gateway"
VOLUMES: Final = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
ANCHOR_FILE: Final = "HEARTHGATE_AUDIT_ANCHOR_FILE"
PROBES: Final = {"startupProbe": "liveness", "livenessProbe": "liveness", "readinessProbe": ""}
"""Which health service each probe asks: only readiness may follow the database."""


class RenderError(Exception):
    """A folder that Kustomize cannot render, with what it said."""


def render(folder: Path) -> Documents:
    """The documents of a Kustomize folder. Raises RenderError."""
    command = [tool, "build"] if (tool := shutil.which("kustomize")) else ["kubectl", "kustomize"]
    try:
        done = subprocess.run(
            [*command, str(folder)], check=False, capture_output=True, text=True, timeout=RENDER_SECONDS
        )
    except FileNotFoundError:
        raise RenderError("neither kustomize nor kubectl is installed") from None
    except subprocess.TimeoutExpired:
        raise RenderError(f"not rendered within {RENDER_SECONDS} s") from None
    if done.returncode != 0:
        raise RenderError(done.stderr.strip())
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def find_problems(documents: Documents, version: str) -> Iterator[str]:
    """One line for each thing that is wrong, naming the document and the field."""
    for document in documents:
        yield from (f"{_title(document)}: {problem}" for problem in _schema_problems(document, version))
        yield from (f"{_title(document)}: {problem}" for problem in _document_problems(document, documents))
    yield from _namespace_problems(documents)


def _document_problems(document: Document, documents: Documents) -> Iterator[str]:
    kind = document["kind"]
    if kind in {"Deployment", "Job", "CronJob"}:
        yield from _pod_problems(_template(document)["spec"])
    if kind == "Deployment":
        yield from _server_problems(document, documents)
        yield from _companion_problems(document, documents)
        yield from _network_problems(document, documents)
        yield from _anchor_problems(document, documents)
    if kind == "Secret":
        yield "a Secret must not stand among the manifests"


def _schema_problems(document: Document, version: str) -> Iterator[str]:
    try:
        kubernetes_validate.validate(dict(document), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(str(part) for part in error.path) or 'document'}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        yield str(error.message)


def _pod_problems(pod: Document) -> Iterator[str]:
    """What the restricted Pod Security Standard asks, and what this project asks of every pod beyond it."""
    for field, wanted in (
        ("securityContext.runAsNonRoot", True),
        ("securityContext.seccompProfile.type", "RuntimeDefault"),
        ("automountServiceAccountToken", False),
    ):
        yield from _expect(pod, field, wanted)
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{field} must not be set"
    if not _get(pod, "securityContext.runAsUser"):
        yield "securityContext.runAsUser must be a number other than 0"
    if pod.get("serviceAccountName", "default") == "default":
        yield "serviceAccountName must name an account of its own"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        yield from (f"container {container['name']}: {problem}" for problem in _container_problems(container))
    for volume in pod.get("volumes", []):
        if volume.keys() - {"name"} - VOLUMES:
            yield f"volume {volume['name']}: only {', '.join(sorted(VOLUMES))} are used here"


def _container_problems(container: Document) -> Iterator[str]:
    for field, wanted in (
        ("securityContext.allowPrivilegeEscalation", False),
        ("securityContext.readOnlyRootFilesystem", True),
        ("securityContext.capabilities.drop", ["ALL"]),
    ):
        yield from _expect(container, field, wanted)
    for field in ("securityContext.capabilities.add", "securityContext.privileged"):
        if _get(container, field):
            yield f"{field} must not be set"
    for kind in ("requests", "limits"):
        for resource in ("cpu", "memory", "ephemeral-storage"):
            if not _get(container, f"resources.{kind}.{resource}"):
                yield f"resources.{kind}.{resource} is missing"
    tag = container["image"].rpartition("/")[2].partition(":")[2]
    if tag in {"", "latest"}:
        yield f"image {container['image']!r} has no fixed tag"
    for variable in container.get("env", []):
        if "value" in variable and any(word in variable["name"] for word in ("SECRET", "KEY", "PEPPER", "URL")):
            yield f"env {variable['name']} must come from a secretKeyRef"


def _server_problems(deployment: Document, documents: Documents) -> Iterator[str]:
    pod = deployment["spec"]["template"]["spec"]
    if not pod.get("topologySpreadConstraints"):
        yield "topologySpreadConstraints is missing"
    if "replicas" in deployment["spec"]:
        yield "replicas is set, which the autoscaler owns"
    server = pod["containers"][0]
    for probe, service in PROBES.items():
        found = _get(server, f"{probe}.grpc")
        if not found:
            yield f"{probe}.grpc is missing"
        elif (found.get("service", ""), found["port"]) != (service, GRPC_PORT):
            yield f"{probe}.grpc must ask the health service {service!r} on port {GRPC_PORT}"
    yield from _drain_problems(pod, _environment(server, documents))


def _drain_problems(pod: Document, environment: Mapping[str, str]) -> Iterator[str]:
    """Endpoints are removed while SIGTERM is sent: a pod sleeps first, then drains, and only then is killed."""
    sleep = _get(pod["containers"][0], "lifecycle.preStop.sleep.seconds") or 0
    drain = environment.get("HEARTHGATE_DRAIN_SECONDS")
    grace = pod.get("terminationGracePeriodSeconds", 30)
    if sleep < 5:
        yield "lifecycle.preStop.sleep.seconds is missing or below 5"
    if drain is None:
        yield "HEARTHGATE_DRAIN_SECONDS is missing in its ConfigMap"
    elif sleep + float(drain) >= grace:
        yield f"terminationGracePeriodSeconds {grace} must exceed preStop {sleep} plus HEARTHGATE_DRAIN_SECONDS {drain}"


def _companion_problems(deployment: Document, documents: Documents) -> Iterator[str]:
    """The documents that go with a Deployment."""
    name, labels = deployment["metadata"]["name"], deployment["spec"]["template"]["metadata"]["labels"]
    if not any(
        _get(document, "spec.scaleTargetRef.name") == name for document in _of(documents, "HorizontalPodAutoscaler")
    ):
        yield "no HorizontalPodAutoscaler scales it"
    if not any(selects(document["spec"]["selector"], labels) for document in _of(documents, "PodDisruptionBudget")):
        yield "no PodDisruptionBudget covers it"
    services = [s for s in _of(documents, "Service") if selects({"matchLabels": s["spec"]["selector"]}, labels)]
    if not any(_get(service, "spec.clusterIP") == "None" for service in services):
        yield "no headless Service leads to it"
    accounts = {account["metadata"]["name"] for account in _of(documents, "ServiceAccount")}
    if deployment["spec"]["template"]["spec"].get("serviceAccountName") not in accounts:
        yield "its ServiceAccount is missing"
    jobs = [job["spec"]["template"]["metadata"]["labels"] for job in _of(documents, "Job")]
    if not any(job.get(NAME_LABEL) == labels.get(NAME_LABEL) for job in jobs):
        yield "no migration Job goes with it"
    scheduled = [_template(job)["metadata"]["labels"] for job in _of(documents, "CronJob")]
    for service in services:
        if any(selects({"matchLabels": service["spec"]["selector"]}, job) for job in (*jobs, *scheduled)):
            yield f"Service {service['metadata']['name']} also leads to a Job's pods"
    yield from _retention_problems(deployment, documents)


def _retention_problems(deployment: Document, documents: Documents) -> Iterator[str]:
    """Either the servers delete what is past its retention, or a CronJob does: not both, and not nobody."""
    template = deployment["spec"]["template"]
    labels, server = template["metadata"]["labels"], template["spec"]["containers"][0]
    looping = _environment(server, documents).get("HEARTHGATE_RETENTION_LOOP", "true") != "false"
    jobs = _scheduled(documents, labels, "retention")
    if looping and jobs:
        yield "HEARTHGATE_RETENTION_LOOP is not false, and a CronJob applies the retention, too"
    if not looping and not jobs:
        yield "HEARTHGATE_RETENTION_LOOP is false, and no CronJob applies the retention"
    for job in jobs:
        secrets = {entry["name"] for entry in _template(job)["spec"]["containers"][0].get("env", [])}
        if secrets != {"HEARTHGATE_DATABASE_URL"}:
            yield f"{_title(job)}: is told of the database alone, not {', '.join(sorted(secrets)) or 'nothing'}"


def _anchor_problems(deployment: Document, documents: Documents) -> Iterator[str]:
    """Anchors of the audit log outlive pods, all replicas share them, and a CronJob that writes none looks at them."""
    template = deployment["spec"]["template"]
    path = _environment(template["spec"]["containers"][0], documents).get(ANCHOR_FILE)
    if not path:
        return
    claim, writable = _claim(template["spec"], path)
    claims = {each["metadata"]["name"]: each["spec"]["accessModes"] for each in _of(documents, "PersistentVolumeClaim")}
    if not claim or not writable:
        yield f"{ANCHOR_FILE} must stand on a claim that may be written to"
    elif "ReadWriteMany" not in claims.get(claim, []):
        yield f"claim {claim} of {ANCHOR_FILE} must be there and ReadWriteMany: every replica appends"
    jobs = _scheduled(documents, template["metadata"]["labels"], "audit-verify")
    if not jobs:
        yield f"{ANCHOR_FILE} is set, and no CronJob verifies the audit log"
    for job in jobs:
        if _claim(_template(job)["spec"], path) != (claim, False):
            yield f"{_title(job)}: must see the anchors of the servers, read-only"


def _claim(pod: Document, path: str) -> tuple[str, bool]:
    """The claim on which a path of a pod's first container stands, and whether it may be written to; else empty."""
    claims = {each["name"]: _get(each, "persistentVolumeClaim.claimName") for each in pod.get("volumes", [])}
    for mount in pod["containers"][0].get("volumeMounts", []):
        if path.startswith(f"{mount['mountPath'].rstrip('/')}/") and claims.get(mount["name"]):
            return claims[mount["name"]], not mount.get("readOnly", False)
    return "", False


def _scheduled(documents: Documents, labels: Mapping[str, str], component: str) -> Documents:
    """A service's CronJobs of this kind that are not suspended."""
    wanted = {NAME_LABEL: labels.get(NAME_LABEL), COMPONENT_LABEL: component}
    return [
        job
        for job in _of(documents, "CronJob")
        if selects({"matchLabels": wanted}, _template(job)["metadata"]["labels"]) and not job["spec"].get("suspend")
    ]


def _network_problems(deployment: Document, documents: Documents) -> Iterator[str]:
    """Default deny, and on the gRPC port of a leaf nobody but the gateway."""
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    policies = [p for p in _of(documents, "NetworkPolicy") if selects(p["spec"]["podSelector"], labels)]
    for direction in ("Ingress", "Egress"):
        closed = [p for p in policies if direction in p["spec"].get("policyTypes", [])]
        if not any(direction.lower() not in policy["spec"] for policy in closed):
            yield f"no NetworkPolicy denies {direction} by default"
    rules = [rule for policy in policies for rule in policy["spec"].get("ingress", []) if _covers(rule, GRPC_PORT)]
    if not rules:
        yield f"no NetworkPolicy lets anybody reach port {GRPC_PORT}"
    for rule in rules:
        if not rule.get("from"):
            yield f"a NetworkPolicy lets everybody reach port {GRPC_PORT}"
        elif labels.get(NAME_LABEL) != GATEWAY and not all(_is_gateway(peer) for peer in rule["from"]):
            yield f"a NetworkPolicy lets others than the gateway reach port {GRPC_PORT}"


def _covers(rule: Document, port: int) -> bool:
    return not rule.get("ports") or any(
        entry.get("port") in {port, "grpc", None} or ("endPort" in entry and entry["port"] <= port <= entry["endPort"])
        for entry in rule["ports"]
    )


def _is_gateway(peer: Document) -> bool:
    labels = _get(peer, "podSelector.matchLabels") or {}
    return set(peer) == {"podSelector"} and labels.get(NAME_LABEL) == GATEWAY


def _namespace_problems(documents: Documents) -> Iterator[str]:
    namespaces = _of(documents, "Namespace")
    if not namespaces:
        yield "Namespace: missing"
    for namespace in namespaces:
        labels = namespace["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{_title(namespace)}: label pod-security.kubernetes.io/enforce must be restricted"


def selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses a pod with these labels."""
    exact = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def _holds(expression: Document, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", [])
    operators = {"In": labels.get(key) in values, "NotIn": labels.get(key) not in values, "Exists": key in labels}
    return operators.get(expression["operator"], key not in labels)


def _environment(container: Document, documents: Documents) -> dict[str, str]:
    """What the container's ConfigMaps tell it."""
    names = {_get(source, "configMapRef.name") for source in container.get("envFrom", [])}
    maps = [document for document in _of(documents, "ConfigMap") if document["metadata"]["name"] in names]
    return {key: value for document in maps for key, value in document.get("data", {}).items()}


def _expect(document: Document, field: str, wanted: object) -> Iterator[str]:
    if (found := _get(document, field)) != wanted:
        yield f"{field} must be {wanted!r}, not {found!r}"


def _get(document: Document, path: str) -> Any:
    """The value at a dotted path, or None."""
    value: Any = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _template(document: Document) -> Any:
    """The template of a workload's pods."""
    spec = document["spec"]
    return spec["jobTemplate"]["spec"]["template"] if document["kind"] == "CronJob" else spec["template"]


def _of(documents: Documents, kind: str) -> Documents:
    return [document for document in documents if document["kind"] == kind]


def _title(document: Document) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="Kustomize folders (default: the base and all overlays)")
    parser.add_argument("--root", type=Path, default=Path("k8s"), help="where base and overlays stand (default: k8s)")
    versions = list(dict.fromkeys(version.rpartition(".")[0] for version in kubernetes_validate.utils.all_versions()))
    parser.add_argument(
        "--kubernetes-version", default=KUBERNETES_VERSION, choices=versions, metavar="X.Y", help="default: %(default)s"
    )
    return parser.parse_args()


def main() -> int:
    """Check the folders that the command line names. Returns the exit code."""
    arguments = _arguments()
    folders = arguments.folders or [arguments.root / "base", *sorted((arguments.root / "overlays").glob("*/"))]
    failed = False
    for folder in folders:
        try:
            documents = render(folder)
        except RenderError as error:
            print(f"{folder}: {error}", file=sys.stderr)
            return 2
        problems = list(find_problems(documents, arguments.kubernetes_version))
        for problem in problems:
            print(f"{folder}: {problem}", file=sys.stderr)
        failed = failed or bool(problems)
        print(f"{folder}: {len(documents)} documents, {len(problems)} problems")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
