"""Accounts of device_trust that have taken sightings in, and what an assessment of them consists of."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, pairwise
from typing import Any, Final
from uuid import UUID

from asyncpg import Pool, Record

from bench.device_trust_household import DAYS, VISITORS, neighbours, seen_as, sightings
from bench.service_database import ServiceDatabase
from bench.timing import Calls
from hearthgate.common.v1 import client_context_pb2 as common
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.persistence.database import Database
from libs.runtime.clock import FakeClock
from libs.runtime.ids import Uuid7Ids
from services.device_trust import conversions as convert
from services.device_trust.domain.assessment import assess
from services.device_trust.domain.facts import look
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.domain.policy import Policy, Retention
from services.device_trust.domain.records import ConfirmationBasis
from services.device_trust.storage.requests import Request
from services.device_trust.storage.rows import loaded_from
from services.device_trust.storage.store import Store
from services.device_trust.use_cases.assess_device import assess_device
from services.device_trust.use_cases.confirm_device import confirm_device
from services.device_trust.use_cases.context import Context
from services.device_trust.use_cases.count_crowds import count_crowds
from services.device_trust.use_cases.record_sightings import record_sightings

VISITOR: Final = "guest"
"""Whose assessment is measured; of the others, only the part that awaits nothing."""
NOW: Final = datetime(2030, 1, 1, 20, tzinfo=UTC)
STEPS: Final = ("request", "driver", "rows", "look", "judge", "answer")
"""What a call does, as the handler and the use case do it. The driver's is the one that awaits."""
_DRIVER: Final = STEPS.index("driver")
_AT_ONCE: Final = 500

Advance = Callable[[float], None]
"""Told of the share of the work that was done since it was last called."""


class Visit:
    """A device that is assessed, step by step, with a fetch within, so that it is met with cold caches as a call is."""

    def __init__(self, context: Context, hasher: NetworkHasher, account: str, seen: common.ClientContext) -> None:
        self._context = context
        self._hasher = hasher
        self._account = account
        self._seen = seen
        self._fetch: Callable[[], Awaitable[list[Record]]] | None = None
        self.client: Final = convert.client_from(seen, hasher)
        self.standing = ""
        self.steps: Final[dict[str, list[float]]] = {name: [] for name in STEPS}
        """Microseconds of this thread's CPU, the median of each round."""
        self.pure: Final[list[float]] = []
        """Of all steps together."""

    async def prepare(self, driver: Pool[Record]) -> Record:
        """Learn what the store asks for, so that it can be fetched without it; returns the row."""
        keeping = _Keeping(self._context.database)
        account_id, period = UUID(self._account), self._context.policy.allowance_period
        await Store(keeping).load(account_id, self.client, NOW, period)
        self._fetch = partial(driver.fetch, *keeping.asked)
        (row,) = keeping.rows
        return row

    async def block(self, calls: int) -> None:
        """A round of assessments."""
        times = [await self._assess() for _ in range(calls)]
        for name, values in zip(STEPS, zip(*times, strict=True), strict=True):
            self.steps[name].append(statistics.median(values))
        self.pure.append(statistics.median(sum(each) - each[_DRIVER] for each in times))

    async def _assess(self) -> list[float]:
        assert self._fetch is not None
        policy, clock = self._context.policy, time.thread_time_ns
        moments = [clock()]
        convert.account_from(self._account)
        client = convert.client_from(self._seen, self._hasher)
        moments.append(clock())
        (row,) = await self._fetch()
        moments.append(clock())
        loaded = loaded_from(row, NOW)
        moments.append(clock())
        facts = look(loaded.household, loaded.device, client, NOW, policy, self._context.scorer, loaded.crowd)
        moments.append(clock())
        assessment = assess(facts, policy)
        moments.append(clock())
        convert.assessment_to(assessment)
        moments.append(clock())
        self.standing = assessment.verdict.standing
        return [(after - before) / 1_000 for before, after in pairwise(moments)]


@dataclass(kw_only=True, slots=True)
class Account:
    """An account of so many sightings: what is called, and what was measured."""

    sightings: int
    account_id: UUID
    history_bytes: int
    devices: int
    networks: int
    assess: Callable[[], Awaitable[object]]
    """The use case."""
    visits: dict[str, Visit]
    statements: float = 0.0
    calls: Calls = field(default_factory=Calls)

    def ours(self) -> list[float]:
        """All but the driver, by round: what the use case takes beyond it, and what the handler does around that."""
        steps = self.visits[VISITOR].steps
        shares = zip(self.calls.cpu, steps["driver"], steps["request"], steps["answer"], strict=True)
        return [whole - driver + request + answer for whole, driver, request, answer in shares]

    def pure(self) -> list[float]:
        """The part of it that awaits nothing, by round."""
        return self.visits[VISITOR].pure


class Accounts:
    """Makes accounts through the use cases, as the service does."""

    def __init__(self, database: ServiceDatabase) -> None:
        self._database = database
        self._clock = FakeClock(NOW)
        self._hasher = NetworkHasher(b"n" * 32)
        self._context = Context(
            database=database.app, clock=self._clock, ids=Uuid7Ids(), policy=Policy(), retention=Retention()
        )

    async def make_neighbours(self) -> None:
        """Other accounts, so that there are crowds to be looked up."""
        await self._take_in(neighbours(NOW, self._context.ids))
        await count_crowds(self._context)

    async def make(self, count: int, advance: Advance) -> Account:
        """An account that is made on the television at home and then takes its sightings in."""
        account_id = self._context.ids.new()
        await self._found(account_id)
        await self._take_in(sightings(account_id, count, NOW, self._context.ids), lambda taken: advance(taken / count))
        history = await Store(self._context.database).find_history(account_id, NOW)
        visits = {
            name: Visit(self._context, self._hasher, str(account_id), seen_as(*where))
            for name, where in VISITORS.items()
        }
        rows = {name: await visit.prepare(self._database.driver) for name, visit in visits.items()}
        return Account(
            sightings=count,
            account_id=account_id,
            history_bytes=len(rows[VISITOR]["history"]),
            devices=len(history.devices),
            networks=len(history.networks),
            assess=partial(assess_device, self._context, account_id, visits[VISITOR].client),
            visits=visits,
        )

    async def _found(self, account_id: UUID) -> None:
        self._clock.advance(-timedelta(days=DAYS))
        request = Request(account_id=account_id, request_id=self._context.ids.new(), digest=b"d" * 32)
        home = convert.client_from(seen_as(*VISITORS["home"]), self._hasher)
        await confirm_device(self._context, request, home, ConfirmationBasis.ACCOUNT_CREATED)
        self._clock.advance(timedelta(days=DAYS))

    async def _take_in(self, messages: Iterator[pb.Sighting], advance: Advance = lambda _: None) -> None:
        while batch := list(islice(messages, _AT_ONCE)):
            taken = [convert.sighting_from(each, self._hasher, index) for index, each in enumerate(batch)]
            if await record_sightings(self._context, taken) != len(taken):
                raise RuntimeError("a sighting was not taken in")
            advance(len(batch))


class _Keeping:
    """An executor that keeps what the store asked for, and the rows that it got."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: tuple[Any, ...] = ()
        self.rows: list[Record] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def fetch(self, statement: str, *args: Any) -> list[Record]:
        self.asked = (statement, *args)
        self.rows = await self._database.fetch(statement, *args)
        return self.rows
