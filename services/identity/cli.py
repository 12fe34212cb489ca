"""The commands `hearthgate audit ...` and `hearthgate identity ...`, each in a file of its own."""

from __future__ import annotations

from collections.abc import Callable

import typer

from services.identity.audit_cli import register_audit
from services.identity.key_cli import register_keys


def register(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the commands to an application; ``paragraphs`` makes a help text fit for the terminal."""
    register_audit(app, paragraphs)
    register_keys(app, paragraphs)
