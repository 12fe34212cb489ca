"""Tokens of the "it wasn't me" links: sealed, so that they say nothing, and nobody makes one but the gateway."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.runtime.keys import OpenError, SealingKeys
from services.gateway.domain.disowning import DisownClaim
from services.gateway.domain.verification import NoticeKind, Requester

_BOUND: Final = b"disown"


class DisownTokens:
    """Makes and opens tokens; one holds for ``lifetime`` from the event it is about."""

    def __init__(self, keys: SealingKeys, lifetime: timedelta) -> None:
        self._keys = keys
        self._lifetime = lifetime

    def expire_time(self, event_time: datetime) -> datetime:
        """Until when an event can be disowned; whole seconds."""
        return (event_time + self._lifetime).replace(microsecond=0)

    def issue(self, claim: DisownClaim) -> str:
        """The token of a claim, in base64url. The device's name, which may be long, is not part of it."""
        device = claim.device
        content = [
            claim.account_id.hex,
            claim.notice_id.hex,
            claim.kind,
            int(claim.expire_time.timestamp()),
            [device.device_id, device.device_kind, device.platform, device.country_code],
        ]
        sealed = self._keys.seal(json.dumps(content, separators=(",", ":")).encode(), _BOUND)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, token: str) -> DisownClaim:
        """The claim of a token, which may have expired. Raises OpenError for anything that is none of ours."""
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise OpenError("not base64url") from None
        account, notice, kind, expire, device = json.loads(self._keys.open(sealed, _BOUND))
        return DisownClaim(
            account_id=UUID(account),
            notice_id=UUID(notice),
            kind=NoticeKind(kind),
            device=_device(*device),
            expire_time=datetime.fromtimestamp(expire, UTC),
        )


def _device(device_id: str, kind: int, platform: int, country_code: str) -> Requester:
    return Requester(
        device_id=device_id, device_kind=kind, device_name="", platform=platform, country_code=country_code
    )
