"""Texts over HTTP, in the form of Twilio's Messages resource, which other providers speak as well."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from libs.runtime.logging import get_logger
from services.challenge.delivery.checks import check_text
from services.challenge.delivery.endpoints import HttpTextEndpoint
from services.challenge.delivery.port import (
    Accepted,
    DeliveryOutcome,
    PermanentFailure,
    TemporaryFailure,
    TextMessageToSend,
)

_BUSY_RETRY: Final = timedelta(seconds=5)
_OURS_TO_MEND_RETRY: Final = timedelta(seconds=30)
_LONGEST_RETRY: Final = timedelta(minutes=5)
_MOST_CONNECTIONS: Final = 20
# Twilio's error dictionary. The first say that the number takes no texts at all, the others that this one may not go
# there: an opt-out, a route, a permission.
_DEAD_NUMBER: Final = {21211: "invalid number", 21217: "invalid number", 21614: "not a mobile", 21635: "a landline"}
_REFUSED: Final = {
    21408: "country not permitted",
    21610: "opted out",
    21612: "no route",
    21617: "message too long",
}
_log = get_logger(__name__)


class HttpTextSender:
    """A ``TextSender`` over HTTPS. A send has ``timeout`` seconds; at most ``connections`` are under way at once.

    429, 5xx and a broken connection are temporary, and so is whatever speaks of our account (401, 403, 404, a sender
    that is not ours), which is the operator's to mend. A 400 about the recipient is permanent.
    """

    def __init__(
        self,
        endpoint: HttpTextEndpoint,
        *,
        name: str = "http",
        timeout: float = 10.0,
        connections: int = _MOST_CONNECTIONS,
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._timeout = timeout
        self._room = asyncio.Semaphore(connections)
        self._connections = connections
        self._client = httpx.AsyncClient(
            base_url=endpoint.base_url,
            auth=(endpoint.account_sid, endpoint.auth_token),
            timeout=timeout,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=False,
        )
        self._closed = False

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        """See ``TextSender.send``."""
        check_text(message)
        try:
            async with asyncio.timeout(self._timeout), self._room:
                if self._closed:
                    return TemporaryFailure(reason="the text sender is closed")
                return self._outcome(await self._post(message))
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the text provider in time", retry_after=_BUSY_RETRY)
        except httpx.HTTPError as error:
            return TemporaryFailure(reason=f"text provider: {type(error).__name__}", retry_after=_BUSY_RETRY)

    async def close(self) -> None:
        """See ``TextSender.close``."""
        self._closed = True
        for _ in range(self._connections):
            await self._room.acquire()
        await self._client.aclose()
        for _ in range(self._connections):
            self._room.release()

    async def _post(self, message: TextMessageToSend) -> httpx.Response:
        endpoint = self._endpoint
        form = {"To": message.recipient, "Body": message.text, endpoint.sender_field: endpoint.sender}
        if endpoint.callback:
            form["StatusCallback"] = _with_query(endpoint.callback, message.callback_query)
        return await self._client.post(
            f"/2010-04-01/Accounts/{endpoint.account_sid}/Messages.json",
            data=form,
            # A repeat carries the same token, by which a provider that knows it tells one.
            headers={"I-Twilio-Idempotency-Token": message.message_id},
        )

    def _outcome(self, response: httpx.Response) -> DeliveryOutcome:
        body = _json(response)
        if response.is_success:
            return Accepted(provider=self._name, provider_reference=str(body.get("sid", "")))
        code, reason = body.get("code"), f"http {response.status_code}"
        if isinstance(code, int):
            reason += f" code {code}"
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            return TemporaryFailure(reason=reason, retry_after=_retry_after(response))
        if code in _DEAD_NUMBER:
            return PermanentFailure(reason=f"{reason} {_DEAD_NUMBER[code]}", about_recipient=True)
        if code in _REFUSED:
            return PermanentFailure(reason=f"{reason} {_REFUSED[code]}")
        _log.warning("the text provider refuses our account", provider=self._name, reason=reason)
        return TemporaryFailure(reason=reason, retry_after=_OURS_TO_MEND_RETRY)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(response: httpx.Response) -> timedelta:
    """The seconds that the provider asks for, within reason; it may also give a date, which is not read."""
    seconds = response.headers.get("Retry-After", "")
    if not (seconds.isascii() and seconds.isdecimal()):
        return _BUSY_RETRY
    return min(max(timedelta(seconds=int(seconds[:9])), timedelta(seconds=1)), _LONGEST_RETRY)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
