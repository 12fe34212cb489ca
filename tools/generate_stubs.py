"""Generates libs/stubs from protos/, or tells whether they differ.

    python tools/generate_stubs.py            writes libs/stubs
    python tools/generate_stubs.py --check    exits 1 and names each file that differs

The protos under third_party/protos are generated as well, so that the stubs import without another package.
"""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT / "protos", ROOT / "third_party" / "protos")
STUBS = ROOT / "libs" / "stubs"
PACKAGES = ("hearthgate", "buf")
DESCRIPTORS = Path("hearthgate") / "descriptors.binpb"


def generate(target: Path) -> None:
    """Writes the modules and typing stubs of every proto below ``target``. Raises SystemExit when protoc fails."""
    files = [str(path) for source in SOURCES for path in sorted(source.rglob("*.proto"))]
    services = [path for path in files if "_service.proto" in path]
    includes = [f"-I{source}" for source in SOURCES]
    includes.append(f"-I{resources.files('grpc_tools') / '_proto'}")
    messages = [f"--python_out={target}", f"--mypy_out=quiet:{target}"]
    grpc = [f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet,only_async:{target}"]
    # With comments, which generated code leaves out: reflection gives them to grpcurl.
    described = [f"--descriptor_set_out={target / DESCRIPTORS}", "--include_source_info"]
    _run(["protoc", *includes, *messages, *files])
    _run(["protoc", *includes, *grpc, *services])
    _run(["protoc", *includes, *described, *[path for path in files if path.startswith(str(SOURCES[0]))]])
    for folder in sorted({path.parent for path in target.rglob("*.py")} | {target / name for name in PACKAGES}):
        _mark_packages(folder, target)


def _run(arguments: list[str]) -> None:
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed; its message stands above")


def _mark_packages(folder: Path, top: Path) -> None:
    while folder != top:
        (folder / "__init__.py").touch()
        if folder.parent == top:
            (folder / "py.typed").touch()
        folder = folder.parent


def differences(left: Path, right: Path) -> list[str]:
    """Names of files below the packages that are missing on one side or differ."""
    names = {path.relative_to(side) for side in (left, right) for path in _generated(side)}
    return sorted(str(name) for name in names if not _same(left / name, right / name))


def _generated(side: Path) -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in (side / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


def _same(left: Path, right: Path) -> bool:
    return left.exists() and right.exists() and filecmp.cmp(left, right, shallow=False)


def main() -> int:
    """Runs the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where libs/stubs differs from protos/"
    )
    check: bool = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        if check:
            changed = differences(STUBS, fresh)
            for name in changed:
                print(
                    f"libs/stubs/{name} differs from protos/: run `make stubs` and commit the result", file=sys.stderr
                )
            return 1 if changed else 0
        for package in PACKAGES:
            shutil.rmtree(STUBS / package, ignore_errors=True)
            shutil.copytree(fresh / package, STUBS / package)
    return 0


if __name__ == "__main__":
    sys.exit(main())
