"""Tells what is missing before a virtual environment can be made. Runs on any Python 3."""

import sys


def main() -> int:
    """The exit code: 0 when all is there."""
    if sys.version_info < (3, 11):
        print("Hearthgate needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2], file=sys.stderr)
        print("Point to a newer one: make PYTHON=/path/to/python3.12 ...", file=sys.stderr)
        return 1
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        print("This Python has no venv module. On Debian and Ubuntu: apt install python3-venv", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
