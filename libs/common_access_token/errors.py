"""The one error of a token that is refused."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a token was refused."""

    MALFORMED = "MALFORMED"
    UNKNOWN_CRITICAL_HEADER = "UNKNOWN_CRITICAL_HEADER"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_ALGORITHM = "WRONG_ALGORITHM"
    NOT_AUTHENTIC = "NOT_AUTHENTIC"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    UNKNOWN_CLAIM = "UNKNOWN_CLAIM"
    UNKNOWN_URI_RULE = "UNKNOWN_URI_RULE"
    REGEX_REFUSED = "REGEX_REFUSED"
    MISSING_CLAIM = "MISSING_CLAIM"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    FOREIGN_ISSUER = "FOREIGN_ISSUER"
    FOREIGN_AUDIENCE = "FOREIGN_AUDIENCE"
    URI_NOT_MATCHED = "URI_NOT_MATCHED"
    METHOD_NOT_LISTED = "METHOD_NOT_LISTED"
    COUNTRY_NOT_LISTED = "COUNTRY_NOT_LISTED"
    NETWORK_NOT_LISTED = "NETWORK_NOT_LISTED"
    REPLAY_UNCHECKED = "REPLAY_UNCHECKED"
    REPLAYED = "REPLAYED"


class CatError(Exception):
    """A token that is refused; its text holds words and numbers of ours, never the token, its claims or an address."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail
