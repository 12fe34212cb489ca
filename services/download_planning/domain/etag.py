"""The etag of a wanted state: equal for equal states, and for those alone."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256

from services.download_planning.domain.plan import WantedState


def etag_of(state: WantedState) -> str:
    """32 hex digits of SHA-256 over everything in the state."""
    text = json.dumps(asdict(state), sort_keys=True, separators=(",", ":"), default=_plain)
    return sha256(text.encode()).hexdigest()[:32]


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
