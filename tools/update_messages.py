"""Carries what the message templates say into services/challenge/locale: first messages.pot, then every catalogue.

New sentences are added untranslated, and those that no template says any more go to the end as comments.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = "services/challenge/templates"
LOCALE = "services/challenge/locale"
TEMPLATE_CATALOGUE = f"{LOCALE}/messages.pot"
_LAYOUT = ["--no-wrap", "--add-location=file"]
_HEADER = ["--project=hearthgate", "--version=0.1.0", "--copyright-holder=The Hearthgate authors"]


def extract(output: str) -> list[str]:
    """pybabel's arguments to write every sentence of the templates to a file."""
    options = ["-F", "pyproject.toml", "--sort-by-file", "--add-comments=Translators:", *_LAYOUT, *_HEADER]
    return ["-q", "extract", *options, "-o", output, TEMPLATES]


def update(catalogue: Path) -> list[str]:
    """pybabel's arguments to bring a catalogue up to date; nothing is guessed from similar sentences."""
    files = ["-i", TEMPLATE_CATALOGUE, "-o", str(catalogue), "-l", catalogue.stem.replace("-", "_")]
    return ["-q", "update", "--no-fuzzy-matching", "--no-wrap", *files]


def main() -> int:
    """Runs the commands; the result is the exit code."""
    catalogues = sorted((ROOT / LOCALE).glob("*.po"))
    for arguments in (extract(TEMPLATE_CATALOGUE), *map(update, catalogues)):
        command = [sys.executable, "-m", "babel.messages.frontend", *arguments]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
