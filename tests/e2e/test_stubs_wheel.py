"""The wheel of generated stubs: whole, and usable by callers that have nothing else of this repository."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STUBS = ROOT / "libs" / "stubs"
_IMPORT_ALL = """
import importlib, pathlib, sys
stubs = pathlib.Path(sys.argv[1])
modules = [".".join(each.relative_to(stubs).with_suffix("").parts) for each in stubs.glob("hearthgate/*/v1/*_pb2*.py")]
for module in modules:
    importlib.import_module(module)
print(len(modules))
"""


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The wheel's pyproject.toml."""
    return tomllib.loads((STUBS / "pyproject.toml").read_text())


def test_what_the_wheel_is_to_hold_is_there(project: dict[str, Any]) -> None:
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (STUBS / package / "__init__.py").is_file()
        assert (STUBS / package / "py.typed").is_file(), "type checkers would not look at it"
    assert (STUBS / "hearthgate" / "descriptors.binpb").stat().st_size > 0, "reflection shows comments from it"
    assert (STUBS / project["project"]["readme"]).is_file()


@pytest.mark.parametrize("suffix", ["_pb2.py", "_pb2.pyi"])
def test_every_proto_has_its_stubs(suffix: str) -> None:
    protos = ROOT / "protos"
    for proto in protos.rglob("*.proto"):
        generated = STUBS / proto.relative_to(protos).with_name(proto.stem + suffix)
        assert generated.is_file(), f"{generated.name} is missing; make stubs"


def test_the_stubs_import_with_nothing_but_installed_packages_beside_them(tmp_path: Path) -> None:
    libraries = ":".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    done = subprocess.run(
        # -S: without the .pth file that makes this repository importable.
        [sys.executable, "-S", "-W", "error", "-c", _IMPORT_ALL, STUBS],
        env={"PYTHONPATH": f"{STUBS}:{libraries}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
