"""What a message tells, apart from the words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from services.challenge.messages.safe_text import safe_name


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageFacts:
    """What a message tells. ``code`` is empty in a notice; ``minutes`` are those that a code still lives.

    ``unsubscribe_url`` is where a reader ends notices by email; empty: nothing is said about it.
    ``disown_url`` is where an owner says "it wasn't me" at once; empty: the message says what else to do.
    ``invitation_token`` stands in the link of an invitation.
    """

    code: str = field(default="", repr=False)
    minutes: int = 0
    expire_time: datetime
    device_kind: str = ""
    device_name: str = field(default="", repr=False)
    country_code: str = ""
    event_time: datetime | None = None
    due_time: datetime | None = None
    unsubscribe_url: str = field(default="", repr=False)
    disown_url: str = field(default="", repr=False)
    invitation_token: str = field(default="", repr=False)

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, str],
        *,
        code: str,
        expire_time: datetime,
        now: datetime,
        unsubscribe_url: str = "",
        disown_url: str = "",
        invitation_token: str = "",
    ) -> Self:
        """The facts of a queued message. Raises KeyError never: what is missing stays empty."""
        times = {
            name: datetime.fromisoformat(parameters[name]) for name in ("event_time", "due_time") if name in parameters
        }
        return cls(
            code=code,
            minutes=max(1, math.ceil((expire_time - now).total_seconds() / 60)),
            expire_time=expire_time,
            device_kind=parameters.get("device_kind", ""),
            device_name=safe_name(parameters.get("device_name", "")),
            country_code=parameters.get("country_code", ""),
            event_time=times.get("event_time"),
            due_time=times.get("due_time"),
            unsubscribe_url=unsubscribe_url,
            disown_url=disown_url,
            invitation_token=invitation_token,
        )
