"""The messages of challenge, looked through once in a process instead of in every test that starts the service."""

from __future__ import annotations

from services.challenge.assembly import sound_renderer
from services.challenge.messages.renderer import MessageRenderer
from services.challenge.settings import ChallengeSettings

_MADE: dict[tuple[str, ...], MessageRenderer] = {}


def renderer_of(settings: ChallengeSettings) -> MessageRenderer:
    """What these settings make; with an operator's templates, anew each time."""
    if settings.templates_dir is not None:
        return sound_renderer(settings)
    facts = (settings.public_domain, settings.brand, settings.disown_url)
    if facts not in _MADE:
        _MADE[facts] = sound_renderer(settings)
    return _MADE[facts]
