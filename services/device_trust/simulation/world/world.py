"""The whole world: all accounts at once, since they share networks, before one judge."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime

from services.device_trust.replay.records import ANSWERED, Answer, Judge, Record
from services.device_trust.simulation.parameters import Parameters, Use
from services.device_trust.simulation.world.accounts import AccountWorld, Scene
from services.device_trust.simulation.world.agenda import Life
from services.device_trust.simulation.world.networks import build_atlas

_PROGRESS_EVERY = 2_000


class World:
    """Accounts that live side by side for some days. It can be run once: people remember what was answered.

    Attributes:
        persona_of: The household's family, by account.
        actor_of: The family of whoever uses a device, by account and device id; it grows as devices come.
        first_place_of: What sort of place a device was first used in (a ``PlaceKind``), by account and device id.
        very_targeted: The families of thieves counted as very targeted: in the victim's city and network.
    """

    def __init__(self, parameters: Parameters, *, seed: int, use: Use, accounts: int, days: int) -> None:
        """The same arguments and the same answers give the same records."""
        self.days = days
        self.persona_of: dict[str, str] = {}
        self.actor_of: dict[tuple[str, str], str] = {}
        self.first_place_of: dict[tuple[str, str], str] = {}
        self.very_targeted = frozenset(name for name, family in parameters.thieves.items() if family.very_targeted)
        scene = Scene(
            parameters=parameters,
            atlas=build_atlas(parameters.networks, accounts=accounts),
            use=use,
            days=days,
            actors=self.actor_of,
            first_places=self.first_place_of,
        )
        self._start = parameters.calendar.start
        self._accounts = [AccountWorld(scene=scene, seed=seed, index=index) for index in range(accounts)]
        self.persona_of.update((world.account, world.persona) for world in self._accounts)

    def run(
        self,
        judge: Judge,
        on_answer: Callable[[Record, Answer], None] | None = None,
        on_progress: Callable[[float], None] | None = None,
    ) -> None:
        """Live all days; ``on_progress`` is told now and then which share of the days has passed, 0 to 1."""
        span = self.days * 86_400
        for count, (record, answer) in enumerate(self.records_and_answers(judge)):
            if answer is not None and on_answer is not None:
                on_answer(record, answer)
            if on_progress is not None and count % _PROGRESS_EVERY == 0:
                on_progress((record.time - self._start).total_seconds() / span)
        if on_progress is not None:
            on_progress(1.0)

    def records_and_answers(self, judge: Judge) -> Iterator[tuple[Record, Answer | None]]:
        """Every record of the world in the order of time, with the judge's answer if it gave one."""
        handle = judge.handle
        heap = self._first_records()
        while heap:
            _, index, record, life = heap[0]
            answer = handle(record)
            yield record, answer
            try:
                following = life.send(answer if record.event in ANSWERED else None)
            except StopIteration:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (following.time, index, following, life))

    def _first_records(self) -> list[tuple[datetime, int, Record, Life]]:
        heap: list[tuple[datetime, int, Record, Life]] = []
        for index, account in enumerate(self._accounts):
            life = account.live()
            record = next(life, None)
            if record is not None:
                heap.append((record.time, index, record, life))
        heapq.heapify(heap)
        return heap
