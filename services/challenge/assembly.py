"""The service put together: the same parts in the same way in production and in tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from libs.persistence.database import Database
from libs.persistence.notifications import Listener
from libs.persistence.retention import run_loop
from libs.runtime.clock import Clock
from libs.runtime.ids import Ids
from libs.runtime.keys import SealingKeys, decode_key
from libs.runtime.logging import get_logger
from services.challenge.delivery.endpoints import HttpTextEndpoint, SmppEndpoint
from services.challenge.delivery.failover import FailoverSender
from services.challenge.delivery.http_text import HttpTextSender
from services.challenge.delivery.port import EmailMessageToSend, Receipt, ReceiptSink, TextMessageToSend, TextSender
from services.challenge.delivery.smpp import SmppTextSender
from services.challenge.delivery.smtp import SmtpEmailSender
from services.challenge.domain.codes import CodeKeys, Randomness
from services.challenge.messages.problems import FaultyMessagesError
from services.challenge.messages.renderer import MessageRenderer
from services.challenge.settings import ChallengeSettings
from services.challenge.use_cases.context import Context
from services.challenge.use_cases.take_receipt import take_receipt
from services.challenge.workers.changes import CHANNEL, ChallengeChanges
from services.challenge.workers.housekeeping import keep_house
from services.challenge.workers.outbox import Outbox, Senders
from services.challenge.workers.outcomes import Outcomes

_FAILED_WORKER_PAUSE: Final = 1.0
_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What the service is made of, beside its server."""

    settings: ChallengeSettings
    context: Context
    outbox: Outbox
    senders: Senders


class ReceiptTaker:
    """Where senders hand receipts in. They are built before the use cases, which are put behind it later."""

    def __init__(self) -> None:
        self.sink: ReceiptSink | None = None

    async def take(self, receipt: Receipt) -> None:
        """Hand a receipt on. Raises RuntimeError before anybody takes them."""
        if self.sink is None:
            raise RuntimeError("nobody takes receipts yet")
        await self.sink(receipt)


def build_senders(settings: ChallengeSettings, clock: Clock, receipts: ReceiptTaker) -> Senders:
    """The providers that the settings name, in their order; nothing connects yet."""
    emails = [
        SmtpEmailSender(
            endpoint,
            name=f"email-{number}",
            sender=settings.mail_from,
            clock=clock,
            signer=settings.dkim_signer(),
            pool_size=settings.smtp_pool_size,
            send_timeout=settings.provider_timeout_seconds,
        )
        for number, endpoint in enumerate(settings.smtp_endpoints(), start=1)
    ]
    texts = [
        _text_sender(endpoint, f"text-{number}", settings, receipts)
        for number, endpoint in enumerate(settings.text_endpoints(), start=1)
    ]
    return Senders(
        email=FailoverSender[EmailMessageToSend](emails, clock) if emails else None,
        text=FailoverSender[TextMessageToSend](texts, clock) if texts else None,
        listening=tuple(each for each in texts if isinstance(each, SmppTextSender)),
    )


def _text_sender(
    endpoint: SmppEndpoint | HttpTextEndpoint, name: str, settings: ChallengeSettings, receipts: ReceiptTaker
) -> TextSender:
    if isinstance(endpoint, HttpTextEndpoint):
        return HttpTextSender(endpoint, name=name, timeout=settings.provider_timeout_seconds)
    return SmppTextSender(
        endpoint,
        name=name,
        send_timeout=settings.provider_timeout_seconds,
        on_receipt=receipts.take,
        id_forms=endpoint.id_forms,
    )


def build_parts(
    settings: ChallengeSettings,
    *,
    database: Database,
    clock: Clock,
    ids: Ids,
    randomness: Randomness,
    senders: Senders,
    receipts: ReceiptTaker,
    renderer: MessageRenderer,
) -> Parts:
    """The use cases' context, the worker that sends, and who takes receipts."""
    sealing = SealingKeys.from_text(settings.sealing_keys.get_secret_value())
    poll = timedelta(seconds=settings.watch_poll_seconds)
    context = Context(
        database=database,
        clock=clock,
        ids=ids,
        randomness=randomness,
        keys=CodeKeys(decode_key(settings.code_pepper.get_secret_value()), sealing),
        policy=settings.policy(),
        channels=senders.channels(),
        changes=ChallengeChanges(database, most_watchers=settings.watchers, poll_every=poll),
        outbox_wake=asyncio.Event(),
    )
    receipts.sink = partial(take_receipt, context=context)
    return Parts(
        settings=settings, context=context, outbox=_build_outbox(settings, context, senders, renderer), senders=senders
    )


def _build_outbox(settings: ChallengeSettings, context: Context, senders: Senders, renderer: MessageRenderer) -> Outbox:
    return Outbox(
        context.database,
        clock=context.clock,
        keys=context.keys,
        senders=senders,
        renderer=renderer,
        outcomes=Outcomes(
            context.database,
            clock=context.clock,
            keys=context.keys,
            policy=context.policy,
            retries=settings.retry_policy(),
        ),
        max_attempts=settings.delivery_max_attempts,
        lease=timedelta(seconds=settings.delivery_lease_seconds),
        changes=context.changes,
    )


def sound_renderer(settings: ChallengeSettings) -> MessageRenderer:
    """Messages that were all made once: a fault of a template shows at the start, not when somebody needs a code.

    Raises FaultyMessagesError where messages cannot be made.
    """
    renderer = MessageRenderer(
        settings.public_domain, settings.templates_dir, brand=settings.brand, disown_url=settings.disown_url
    )
    problems = renderer.check()
    if problems:
        raise FaultyMessagesError(problems)
    return renderer


@asynccontextmanager
async def running_workers(parts: Parts) -> AsyncIterator[None]:
    """Send, watch and sweep in the background; at the end, messages under way have ``drain_seconds``."""
    settings, context = parts.settings, parts.context
    dsn = settings.database_url.get_secret_value()
    for sender in parts.senders.listening:
        sender.start()
    async with Listener(dsn, CHANNEL, application_name="hearthgate-challenge-listener") as hints:
        house = partial(
            keep_house,
            context.database,
            context.clock,
            every=timedelta(seconds=settings.sweep_seconds),
        )
        beside: list[Callable[[], Awaitable[object]]] = [
            context.changes.publish,
            context.changes.poll,
            partial(context.changes.listen, hints),
            house,
        ]
        if settings.retention_loop:
            every = timedelta(seconds=settings.upkeep_seconds)
            policy = settings.retention_policy()
            beside.append(partial(run_loop, context.database, context.clock, policy, every))
        tasks = [asyncio.create_task(_kept_running(each)) for each in beside]
        outbox = asyncio.create_task(_kept_running(partial(_run_outbox, parts)))
        try:
            yield
        finally:
            await _end([outbox], within=settings.drain_seconds)
            await _end(tasks, within=1)


async def _run_outbox(parts: Parts) -> None:
    await parts.outbox.run(
        idle=timedelta(seconds=parts.settings.delivery_poll_seconds),
        wake=parts.context.outbox_wake,
        concurrency=parts.settings.delivery_concurrency,
    )


async def _kept_running(work: Callable[[], Awaitable[object]]) -> None:
    """A fault in a worker is logged and the worker begun anew: without it the service would answer and do nothing."""
    while True:
        try:
            await work()
        except Exception:
            _log.exception("worker failed")
        await asyncio.sleep(_FAILED_WORKER_PAUSE)


async def _end(tasks: list[asyncio.Task[None]], *, within: float) -> None:
    """Cancel, wait, and cancel again what has not ended by then."""
    for task in tasks:
        task.cancel()
    _, late = await asyncio.wait(tasks, timeout=within)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=1)
