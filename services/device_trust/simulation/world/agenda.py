"""What lies ahead in an account: many small stories, told in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from datetime import datetime, timedelta

from services.device_trust.replay.records import Answer, Record

Story = Generator[Record | float, Answer | None, None]
"""Yields a record when something happens, and receives the answer to it; or a time (s) at which it goes on."""

Life = Generator[Record, Answer | None, None]
"""All records of an account in the order of time; receives the answer to each, None where there is none."""


class Agenda:
    """The stories of one account, merged. Times are in seconds since the world's start."""

    def __init__(self, *, start: datetime, end: float) -> None:
        self._start = start
        self._end = start + timedelta(seconds=end)
        self._heap: list[tuple[datetime, int, Story, Record | None]] = []
        self._added = 0

    def moment(self, time: float) -> datetime:
        """That time by the clock, in whole seconds."""
        return self._start + timedelta(seconds=int(time))

    def add(self, time: float, story: Story) -> None:
        """Begin a story at ``time``."""
        self._push(self.moment(time), story, None)

    def _push(self, moment: datetime, story: Story, record: Record | None) -> None:
        self._added += 1
        heapq.heappush(self._heap, (moment, self._added, story, record))

    def tell(self) -> Life:
        """Every record until the world's end. Stories begun meanwhile are told as well."""
        heap = self._heap
        while heap:
            moment, _, story, record = heapq.heappop(heap)
            if moment >= self._end:
                return
            answer = None
            if record is not None:
                answer = yield record
            self._go_on(story, answer)

    def _go_on(self, story: Story, answer: Answer | None) -> None:
        """Let the story run to its next record or pause."""
        try:
            step = story.send(answer)
        except StopIteration:
            return
        if isinstance(step, Record):
            self._push(step.time, story, step)
        else:
            self._push(self.moment(step), story, None)
