"""How many codes a second the challenge service brings to a mail server, beside a bare loop on as many connections.

Starts a PostgreSQL and a mail server of its own, the latter in another process. Both ways send mails of the same size
over the same number of connections, in turns, round by round:

  floor       aiosmtplib alone: each connection sends one ready-made mail after the other
  composing   the same, where each mail is first put together by the standard library from ready text and HTML
  service     the outbox: claims queued codes, opens, writes and sends them, and marks what the server said
  ratio       service beside floor in the same round, median over rounds; the aim is 0.7 or more

Then codes are asked for at a steady rate, by the use case that CreateChallenge calls, and each is followed from the
request to the moment at which the database says that the mail server took it:

  latency     from request to mail accepted, in ms: median and 99th percentile

Exit codes: 0 when it was measured, whatever the figures; 1 when the database or the mail server can't be made.

Examples:

  python -m bench.challenge_delivery                       a table
  python -m bench.challenge_delivery --rounds 2            a first look
  python -m bench.challenge_delivery --json | jq .ratio
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from typing import Any, Final, cast
from uuid import UUID, uuid4

import aiosmtplib
import uvloop
from pydantic import SecretStr
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.arguments import parser, positive
from bench.service_database import ServiceDatabase, service_database
from bench.smtp_sink import smtp_sink
from bench.timing import machine, median, ratio, undisturbed
from libs.persistence.clock import DatabaseClock
from libs.persistence.database import Database
from libs.persistence.jobs import run_worker
from libs.persistence.migrations import MigrationError
from libs.runtime.ids import Uuid7Ids
from libs.runtime.keys import new_secret
from libs.runtime.logging import configure_logging
from libs.testing.postgres import PostgresError
from services.challenge.assembly import Parts, ReceiptTaker, build_parts, build_senders, running_workers, sound_renderer
from services.challenge.domain.challenge import Channel, Purpose, Requester
from services.challenge.domain.codes import SecretRandomness
from services.challenge.settings import ChallengeSettings
from services.challenge.storage.deliveries import ClaimedDelivery
from services.challenge.use_cases.create_challenge import CreateChallenge, create_challenge

AIM: Final = 0.7
CONNECTIONS: Final = 8
_MANY: Final = 100_000
_LONGEST_WAIT: Final = 60.0
_LEFT: Final = "/* bench.left: codes that still wait */ select count(*) from delivery where state = 'queued'"
_TIMES: Final = """/* bench.times: from request to mail accepted */
select extract(epoch from d.update_time - d.create_time) * 1000 from delivery d where d.account_id = any($1::uuid[])"""


async def run(rounds: int, mails: int, rate: int, seconds: int, bar: Progress) -> dict[str, Any]:
    """Measure, and tell the figures as JSON says them."""
    task = bar.add_task("Measuring", total=rounds + 1)
    async with service_database("challenge") as database, smtp_sink() as port, _service(database, port) as parts:
        mail = await _a_mail(parts)
        floor, composing, service = [], [], []
        for _ in range(rounds):
            accounts = await _ask(parts, mails)
            with undisturbed():
                floor.append(await _bare(port, partial(bytes, mail), mails))
                composing.append(await _bare(port, _composer(mail), mails))
                service.append(await _delivered(parts, mails))
            await _forget(database, accounts)
            bar.advance(task)
        latencies = await _latencies(parts, rate, seconds)
        bar.advance(task)
        return {
            "benchmark": "challenge.delivery",
            "machine": {**machine(), "postgres": await database.server_version()},
            "rounds": rounds,
            "mails_per_round": mails,
            "connections": CONNECTIONS,
            "mail_bytes": len(mail),
            "floor_per_second": median(floor),
            "service_per_second": median(service),
            "composing_per_second": median(composing),
            "ratio": ratio(service, floor),
            "ratio_to_composing": ratio(service, composing),
            "aim": AIM,
            "latency": _percentiles(latencies, rate),
        }


@asynccontextmanager
async def _service(database: ServiceDatabase, port: int) -> AsyncIterator[Parts]:
    """The service's parts over the database and the mail server; its workers are started by who needs them."""
    settings = ChallengeSettings(
        database_url=SecretStr(database.dsns.app),
        smtp_url=SecretStr(f"smtp://127.0.0.1:{port}?starttls=off"),
        smtp_pool_size=CONNECTIONS,
        code_pepper=SecretStr(new_secret()),
        sealing_keys=SecretStr(new_secret()),
        spending_per_day=_MANY,
        delivery_concurrency=4 * CONNECTIONS,
        drain_seconds=1,
    )
    async with AsyncExitStack() as stack:
        pool = await Database.connect(database.dsns.app, application_name="challenge", pool_size=20)
        stack.push_async_callback(pool.close)
        clock = await stack.enter_async_context(DatabaseClock.open(pool))
        receipts = ReceiptTaker()
        senders = build_senders(settings, clock, receipts)
        stack.push_async_callback(senders.close)
        yield build_parts(
            settings,
            database=pool,
            clock=clock,
            ids=Uuid7Ids(),
            randomness=SecretRandomness(),
            senders=senders,
            receipts=receipts,
            renderer=sound_renderer(settings),
        )


async def _ask(parts: Parts, count: int) -> list[UUID]:
    """Ask for codes, some side by side; the accounts."""
    accounts = [uuid4() for _ in range(count)]
    room = asyncio.Semaphore(10)

    async def one(account: UUID) -> None:
        async with room:
            await create_challenge(_request(account), context=parts.context)

    await asyncio.gather(*(one(each) for each in accounts))
    return accounts


def _request(account: UUID) -> CreateChallenge:
    return CreateChallenge(
        request_id=uuid4(),
        account_id=account,
        requester=Requester(
            device_id="tv", device_kind="tv", device_platform="tizen", device_name="Living room", country_code="DE"
        ),
        purpose=Purpose.CONFIRM_HOUSEHOLD,
        channel=Channel.EMAIL,
        destination=f"{account.hex}@mailbox.example",
        language="en",
        ip_address="",
        session_id=None,
        body=account.bytes,
    )


async def _a_mail(parts: Parts) -> bytes:
    """A code as the service writes it, for the bare loop to send."""
    taken: list[bytes] = []
    original = aiosmtplib.SMTP.data

    async def keep(self: aiosmtplib.SMTP, message: bytes | str, **options: Any) -> Any:
        taken.append(message if isinstance(message, bytes) else message.encode())
        return await original(self, message, **options)

    aiosmtplib.SMTP.data = keep  # type: ignore[method-assign]  # only to look at one mail
    try:
        await _ask(parts, 1)
        await _delivered(parts, 1)
    finally:
        aiosmtplib.SMTP.data = original  # type: ignore[method-assign]  # as it was
    return taken[0]


def _composer(like: bytes) -> Callable[[], bytes]:
    """Puts a mail with the same parts together, as most people would."""
    parts = message_from_bytes(like, policy=SMTP)
    headers = {name: str(parts[name]) for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted")}
    text, html = (cast("EmailMessage", part).get_content() for part in parts.iter_parts())

    def compose() -> bytes:
        mail = EmailMessage(policy=SMTP)
        for name, value in headers.items():
            mail[name] = value
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        return mail.as_bytes()

    return compose


async def _bare(port: int, mail: Callable[[], bytes], count: int) -> float:
    """Mails a second that aiosmtplib alone sends over as many connections."""
    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=port, local_hostname="localhost") for _ in range(CONNECTIONS)]
    for client in clients:
        await client.connect(start_tls=False)

    async def send(client: aiosmtplib.SMTP, share: int) -> None:
        for _ in range(share):
            await client.mail("no-reply@hearthgate.example")
            await client.rcpt("somebody@mailbox.example")
            await client.data(mail())

    began = time.perf_counter()
    await asyncio.gather(*(send(each, count // CONNECTIONS) for each in clients))
    took = time.perf_counter() - began
    for client in clients:
        await client.quit()
    return count // CONNECTIONS * CONNECTIONS / took


async def _delivered(parts: Parts, count: int) -> float:
    """Codes a second that the outbox delivers, by the loop in which the service runs it."""
    left, done = count, asyncio.Event()

    async def handle(delivery: ClaimedDelivery) -> None:
        nonlocal left
        await parts.outbox.handle(delivery)
        left -= 1
        if not left:
            done.set()

    room = parts.settings.delivery_concurrency
    began = time.perf_counter()
    worker = asyncio.create_task(
        run_worker(parts.outbox.claim, handle, idle=timedelta(milliseconds=20), wake=asyncio.Event(), concurrency=room)
    )
    async with asyncio.timeout(_LONGEST_WAIT):
        await done.wait()
    took = time.perf_counter() - began
    worker.cancel()
    await asyncio.wait([worker])
    if await parts.context.database.fetch_value(_LEFT):
        raise TimeoutError("some codes were not taken at once")
    return count / took


async def _forget(database: ServiceDatabase, accounts: list[UUID]) -> None:
    for table in ("delivery", "challenge", "request", "account_send_window"):
        await database.app.execute(f"delete from {table} where account_id = any($1)", accounts)  # noqa: S608 - ours


async def _latencies(parts: Parts, rate: int, seconds: int) -> list[float]:
    """Milliseconds from request to mail accepted, with requests as they come: at random, so many a second."""
    accounts = [uuid4() for _ in range(rate * seconds)]
    async with running_workers(parts), asyncio.TaskGroup() as requests:
        for account in accounts:
            requests.create_task(create_challenge(_request(account), context=parts.context))
            await asyncio.sleep(random.expovariate(rate))
        async with asyncio.timeout(_LONGEST_WAIT):
            while await parts.context.database.fetch_value(_LEFT):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.05)
    rows = await parts.context.database.fetch(_TIMES, accounts)
    return sorted(float(row[0]) for row in rows)


def _percentiles(latencies: list[float], rate: int) -> dict[str, float]:
    return {
        "requests_per_second": rate,
        "requests": len(latencies),
        "p50_ms": round(statistics.median(latencies), 1),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)], 1),
    }


def _show(figures: dict[str, Any]) -> None:
    console, latency, where = Console(), figures["latency"], figures["machine"]
    table = Table(title="Codes delivered by email", title_justify="left", box=SIMPLE_HEAD)
    for column in ("", "A second", "× floor"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("floor: aiosmtplib alone", f"{figures['floor_per_second']:,.0f}", "1")
    table.add_row("composing, too", f"{figures['composing_per_second']:,.0f}", "")
    mark = "[green]✓[/]" if figures["ratio"] >= AIM else "[red]✗[/]"
    table.add_row("the service", f"{figures['service_per_second']:,.0f}", f"{figures['ratio']:.2f} (aim {AIM}) {mark}")
    console.print(table)
    console.print(
        f"From request to mail accepted at {latency['requests_per_second']}/s: median {latency['p50_ms']} ms, "
        f"99 % within {latency['p99_ms']} ms.\n{figures['connections']} connections, mails of {figures['mail_bytes']} "
        f"bytes. {where['cpu']}, {where['cpus']} CPUs, load {where['load']:g}; Python {where['python']}, "
        f"PostgreSQL {where['postgres']}.",
        style="dim",
        highlight=False,
    )


def main() -> int:
    """Runs the command line; the result is the exit code."""
    command = parser("bench.challenge_delivery", __doc__)
    command.add_argument("--rounds", type=positive, default=5, metavar="N", help="rounds to measure (default: 5)")
    command.add_argument("--mails", type=positive, default=800, metavar="N", help="mails in a round (default: 800)")
    command.add_argument(
        "--rate", type=positive, default=50, metavar="N", help="codes asked for, a second (default: 50)"
    )
    command.add_argument("--seconds", type=positive, default=10, metavar="N", help="of that (default: 10)")
    options = command.parse_args()
    configure_logging("bench", "ERROR")
    notes = Console(stderr=True)
    try:
        with Progress(console=notes, transient=True, auto_refresh=False, disable=not notes.is_terminal) as bar:
            figures = uvloop.run(run(options.rounds, options.mails, options.rate, options.seconds, bar))
    except (PostgresError, MigrationError, TimeoutError) as error:
        notes.print(str(error), markup=False, highlight=False)
        return 1
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
