"""What a text provider's HTTP answer means; its words may repeat the number, its codes cannot."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from services.challenge.delivery.port import DeliveryOutcome, PermanentFailure, TemporaryFailure

DEFAULT_RETRY: Final = timedelta(seconds=30)
LONGEST_RETRY: Final = timedelta(minutes=5)
_SID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

# Twilio's Error and Warning Dictionary. Other codes of a 400 speak of the account or of how it is set up.
_DEAD_NUMBER: Final = frozenset(
    {
        21211,  # To is no valid number
        21214,  # To cannot be reached
        21217,  # the number does not appear to be valid
        21265,  # To is a short code
        21421,  # the number is invalid
        21614,  # To is no mobile number
        21635,  # To is a landline
    }
)
_REFUSED: Final = frozenset(
    {
        21266,  # To and From are the same
        21408,  # the account may not send to that country
        21602,  # no text
        21610,  # the recipient sent STOP
        21612,  # no route from this From to this To
        21617,  # the text is too long
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAnswer:
    """A provider's answer, as far as it was read; ``body`` may be cut off."""

    status: int
    retry_after: str
    body: bytes

    def is_success(self) -> bool:
        """Whether the provider took the text."""
        return 200 <= self.status < 300

    def sid(self) -> str:
        """The provider's id of the text, "" where it gave none that is fit for a log."""
        sid = self._fields().get("sid")
        return sid if isinstance(sid, str) and _SID.fullmatch(sid) else ""

    def error_code(self) -> int | None:
        """The provider's own code of an error."""
        code = self._fields().get("code")
        return code if type(code) is int and 0 <= code < 1_000_000 else None

    def _fields(self) -> Mapping[str, Any]:
        try:
            fields = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}


def read_failure(answer: HttpAnswer, now: datetime) -> DeliveryOutcome:
    """The outcome of an answer that is no success."""
    code = answer.error_code()
    reason = f"http {answer.status}" if code is None else f"http {answer.status} code {code}"
    if answer.status == 400 and code in _DEAD_NUMBER | _REFUSED:
        return PermanentFailure(reason=reason, about_recipient=code in _DEAD_NUMBER)
    return TemporaryFailure(reason=reason, retry_after=read_retry_after(answer.retry_after, now))


def is_operators(answer: HttpAnswer) -> bool:
    """Whether a failure is the operator's to mend: account, sender, address of the provider."""
    return answer.status != 429 and answer.status < 500


def read_retry_after(value: str, now: datetime) -> timedelta:
    """``Retry-After`` (RFC 9110, 10.2.3) in seconds or as a date, within bounds; a default where it is neither."""
    if value.isascii() and value.isdecimal():
        return timedelta(seconds=min(int(value[:9]), int(LONGEST_RETRY.total_seconds())))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return DEFAULT_RETRY
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), LONGEST_RETRY)
