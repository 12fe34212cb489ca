"""Texts over HTTP, to a provider that speaks Twilio's Messages API."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx

from libs.runtime.clock import Clock
from libs.runtime.logging import get_logger
from services.challenge.delivery.checks import check_text
from services.challenge.delivery.http_endpoint import HttpTextEndpoint
from services.challenge.delivery.http_text_answers import (
    DEFAULT_RETRY,
    HttpAnswer,
    is_operators,
    read_failure,
)
from services.challenge.delivery.port import Accepted, DeliveryOutcome, TemporaryFailure, TextMessageToSend

_MAX_ANSWER_BYTES: Final = 1 << 16
_log = get_logger(__name__)


class HttpTextSender:
    """A ``TextSender`` over a pool of HTTP connections.

    ``name`` is the provider's in ``Accepted``. Connecting, writing and each read have ``step_timeout`` seconds, the
    whole of a send ``send_timeout``; at most ``window`` texts are under way at once. It follows no redirect, since
    the token would go along. The API knows no key for repeats: after an answer that was lost, the repeat may be a
    second text.
    """

    def __init__(
        self,
        endpoint: HttpTextEndpoint,
        *,
        clock: Clock,
        name: str = "http",
        window: int = 16,
        step_timeout: float = 10.0,
        send_timeout: float = 30.0,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._name = name
        self._url = f"{endpoint.origin}/2010-04-01/Accounts/{endpoint.account}/Messages.json"
        self._window_size = window
        self._window = asyncio.Semaphore(window)
        self._send_timeout = send_timeout
        self._closed = False
        self._client = httpx.AsyncClient(
            auth=httpx.BasicAuth(endpoint.account, endpoint.token),
            timeout=httpx.Timeout(step_timeout),
            limits=httpx.Limits(max_connections=window, max_keepalive_connections=window, keepalive_expiry=30.0),
            follow_redirects=False,
            trust_env=False,
            verify=tls_context or True,
        )

    async def send(self, message: TextMessageToSend) -> DeliveryOutcome:
        """See ``TextSender.send``."""
        check_text(message)
        try:
            async with asyncio.timeout(self._send_timeout), self._window:
                if self._closed:
                    return TemporaryFailure(reason="the text sender is closed")
                answer = await self._post(message)
        except (TimeoutError, httpx.TimeoutException):
            return TemporaryFailure(reason="no answer from the text provider in time", retry_after=DEFAULT_RETRY)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError):
            return TemporaryFailure(reason="http connection failed", retry_after=DEFAULT_RETRY)
        return self._read(answer, message)

    async def close(self) -> None:
        """See ``TextSender.close``."""
        self._closed = True
        for _ in range(self._window_size):
            await self._window.acquire()
        await self._client.aclose()
        for _ in range(self._window_size):
            self._window.release()

    async def _post(self, message: TextMessageToSend) -> HttpAnswer:
        async with self._client.stream("POST", self._url, data=self._form(message)) as response:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_ANSWER_BYTES:
                    break
            return HttpAnswer(
                status=response.status_code, retry_after=response.headers.get("Retry-After", ""), body=body
            )

    def _form(self, message: TextMessageToSend) -> dict[str, str]:
        endpoint = self._endpoint
        form = {"To": message.recipient, "Body": message.text}
        if endpoint.service:
            form["MessagingServiceSid"] = endpoint.service
        else:
            form["From"] = endpoint.source
        if endpoint.callback:
            form["StatusCallback"] = with_query(endpoint.callback, message.callback_query)
        return form

    def _read(self, answer: HttpAnswer, message: TextMessageToSend) -> DeliveryOutcome:
        if answer.is_success():
            return Accepted(provider_reference=answer.sid() or message.message_id, provider=self._name)
        outcome = read_failure(answer, self._clock.now())
        if isinstance(outcome, TemporaryFailure) and is_operators(answer):
            _log.warning("text provider refuses this account", provider=self._name, reason=outcome.reason)
        return outcome


def with_query(url: str, query: Mapping[str, str]) -> str:
    """The URL with further parameters."""
    parts = urlsplit(url)
    return urlunsplit(
        parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *query.items()]))
    )
