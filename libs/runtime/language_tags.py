"""Tags of languages, as BCP 47 writes them."""

from __future__ import annotations


def tag_chain(tag: str) -> list[str]:
    """A tag in lower case and what it is a form of: de-AT, de."""
    parts = tag.replace("_", "-").lower().split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
