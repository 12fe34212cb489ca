"""Carries what people are told into the catalogues beside it: first messages.pot, then every language.

New sentences are added untranslated, and those that are not said any more go to the end as comments.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "services/challenge/locale": "services/challenge/templates",
    "services/gateway/locale": "services/gateway/domain/texts.py",
}
"""Each folder of catalogues, with what says its sentences."""
TEMPLATE_CATALOGUE = "messages.pot"
_LAYOUT = ["--no-wrap", "--add-location=file"]
_HEADER = ["--project=hearthgate", "--version=0.1.0", "--copyright-holder=The Hearthgate authors"]


def extract(locale: str, output: str) -> list[str]:
    """pybabel's arguments to write every sentence of a folder's source to a file."""
    options = ["-F", "pyproject.toml", "--sort-by-file", "--add-comments=Translators:", *_LAYOUT, *_HEADER]
    return ["-q", "extract", *options, "-k", "sentence", "-o", output, SOURCES[locale]]


def update(catalogue: Path) -> list[str]:
    """pybabel's arguments to bring a catalogue up to date; nothing is guessed from similar sentences."""
    template = str(catalogue.with_name(TEMPLATE_CATALOGUE))
    files = ["-i", template, "-o", str(catalogue), "-l", catalogue.stem.replace("-", "_")]
    return ["-q", "update", "--no-fuzzy-matching", "--no-wrap", *files]


def main() -> int:
    """Runs the commands; the result is the exit code."""
    for locale in SOURCES:
        catalogues = sorted((ROOT / locale).glob("*.po"))
        for arguments in (extract(locale, f"{locale}/{TEMPLATE_CATALOGUE}"), *map(update, catalogues)):
            command = [sys.executable, "-m", "babel.messages.frontend", *arguments]
            code = subprocess.run(command, cwd=ROOT, check=False).returncode
            if code != 0:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
