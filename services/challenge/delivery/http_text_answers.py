"""What a text provider's HTTP answer means. Its words may repeat the number: only codes and ids are taken from it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from services.challenge.delivery.port import DeliveryOutcome, PermanentFailure, TemporaryFailure

BUSY_RETRY: Final = timedelta(seconds=5)
_OURS_TO_MEND_RETRY: Final = timedelta(seconds=30)
_LONGEST_RETRY: Final = timedelta(minutes=5)
_TOO_MANY_REQUESTS: Final = 429
_MOST_DIGITS: Final = 6
_SID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Twilio's error dictionary. The first say that the number takes no texts at all, the others that this one may not go
# there: an opt-out, a route, a permission.
_DEAD_NUMBER: Final = {
    21211: "invalid number",
    21214: "cannot be reached",
    21217: "invalid number",
    21265: "a short code",
    21421: "invalid number",
    21614: "not a mobile",
    21635: "a landline",
}
_REFUSED: Final = {
    21266: "our own number",
    21408: "country not permitted",
    21610: "opted out",
    21612: "no route",
    21617: "message too long",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAnswer:
    """A provider's answer, as far as it was read: ``body`` may be cut off."""

    status: int
    retry_after: str
    body: bytes

    def is_success(self) -> bool:
        """Whether the provider took the text."""
        return 200 <= self.status < 300

    def speaks_of_our_account(self) -> bool:
        """Whether a temporary failure is the operator's to mend."""
        return self.status != _TOO_MANY_REQUESTS and self.status < 500

    def sid(self) -> str:
        """The provider's id of the text, "" where it gave none that is one."""
        sid = self._fields().get("sid")
        return sid if isinstance(sid, str) and _SID.fullmatch(sid) else ""

    def failure(self) -> DeliveryOutcome:
        """The outcome of an answer that is no success."""
        code = self._code()
        reason = f"http {self.status}" if code is None else f"http {self.status} code {code}"
        if self.status == _TOO_MANY_REQUESTS or self.status >= 500:
            return TemporaryFailure(reason=reason, retry_after=_wait(self.retry_after))
        if code in _DEAD_NUMBER:
            return PermanentFailure(reason=f"{reason} {_DEAD_NUMBER[code]}", about_recipient=True)
        if code in _REFUSED:
            return PermanentFailure(reason=f"{reason} {_REFUSED[code]}")
        return TemporaryFailure(reason=reason, retry_after=_OURS_TO_MEND_RETRY)

    def _code(self) -> int | None:
        """The provider's own code; a longer number is none, but may be the recipient's."""
        code = self._fields().get("code")
        return code if type(code) is int and 0 <= code < 10**_MOST_DIGITS else None

    def _fields(self) -> Mapping[str, Any]:
        try:
            fields = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}


def _wait(retry_after: str) -> timedelta:
    """The seconds that the provider asks for, within reason; it may also give a date, which is not read."""
    if not (retry_after.isascii() and retry_after.isdecimal()):
        return BUSY_RETRY
    return min(max(timedelta(seconds=int(retry_after[:9])), timedelta(seconds=1)), _LONGEST_RETRY)
