"""What the benchmarks' command lines have in common."""

from __future__ import annotations

import argparse


def parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser that shows a module's own words, as they stand, for ``--help``; it knows ``--json``."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--json", action="store_true", help="print one JSON object, with all that was measured")
    return made


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
