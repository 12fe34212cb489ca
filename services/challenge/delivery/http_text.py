"""Texts over HTTP, in the form of Twilio's Messages resource, which other providers speak as well."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import httpx

from libs.runtime.logging import get_logger
from services.challenge.delivery.checks import check_text
from services.challenge.delivery.endpoints import HttpTextEndpoint
from services.challenge.delivery.http_text_answers import BUSY_RETRY, HttpAnswer
from services.challenge.delivery.port import Accepted, DeliveryOutcome, TemporaryFailure, TextMessageToSend

_MOST_CONNECTIONS: Final = 20
_MOST_OCTETS: Final = 1 << 16
"""Of an answer that are read; the provider's are a kilobyte long."""
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
                return self._outcome(await self._post(message), message)
        except TimeoutError:
            return TemporaryFailure(reason="no answer from the text provider in time", retry_after=BUSY_RETRY)
        except httpx.HTTPError as error:
            return TemporaryFailure(reason=f"text provider: {type(error).__name__}", retry_after=BUSY_RETRY)

    async def close(self) -> None:
        """See ``TextSender.close``."""
        self._closed = True
        for _ in range(self._connections):
            await self._room.acquire()
        await self._client.aclose()
        for _ in range(self._connections):
            self._room.release()

    async def _post(self, message: TextMessageToSend) -> HttpAnswer:
        async with self._client.stream(
            "POST",
            f"/2010-04-01/Accounts/{self._endpoint.account_sid}/Messages.json",
            data=self._form(message),
            # A repeat carries the same token, by which a provider that knows it tells one.
            headers={"I-Twilio-Idempotency-Token": message.message_id},
        ) as response:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_OCTETS:
                    break
        return HttpAnswer(
            status=response.status_code, retry_after=response.headers.get("Retry-After", ""), body=body[:_MOST_OCTETS]
        )

    def _form(self, message: TextMessageToSend) -> dict[str, str]:
        endpoint = self._endpoint
        form = {"To": message.recipient, "Body": message.text, endpoint.sender_field: endpoint.sender}
        if endpoint.callback:
            form["StatusCallback"] = _with_query(endpoint.callback, message.callback_query)
        return form

    def _outcome(self, answer: HttpAnswer, message: TextMessageToSend) -> DeliveryOutcome:
        if answer.is_success():
            # Without an id of the provider's no receipt is ever found, but the text was taken.
            return Accepted(provider=self._name, provider_reference=answer.sid() or message.message_id)
        outcome = answer.failure()
        if isinstance(outcome, TemporaryFailure) and answer.speaks_of_our_account():
            _log.warning("the text provider refuses our account", provider=self._name, reason=outcome.reason)
        return outcome


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
