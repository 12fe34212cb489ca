"""Messages of one shape, rendered once: what differs between them is put in afterwards.

A template costs ten times as much as all else about a message, and millions of codes differ in some values alone. So a
message is rendered with a private-use character in the place of each value, and that is kept. Our own templates put
values into sentences and ask no more of them than whether they are there, which is part of the shape; an operator's may
do anything, so that with a folder of overrides nothing is kept.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jinja2 import UndefinedError
from markupsafe import escape

from services.challenge.messages.facts import MessageFacts

_MOST: Final = 2_000
_FIRST_MARK: Final = 0xE000
_MARKS: Final = re.compile("([\ue000-\ue00b])")
_CODE, _NAME, _PLACE, _LINK, _DISOWN, _MOMENTS, _TIMES, _INVITATION = 0, 1, 2, 3, 4, 5, 8, 11
_MARKED_TIMES: Final = tuple(datetime(year, 1, 1, tzinfo=UTC) for year in (1, 2, 3))
"""Stand for the expiry, the event and the due time."""

Moment = Callable[[datetime | None], str]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a message's words depend on, apart from the values that are put into them."""

    kind: str
    part: str
    locale: str
    device_kind: str
    minutes: int
    has_code: bool
    has_name: bool
    has_place: bool
    has_link: bool
    has_disown: bool
    has_event: bool
    has_due: bool
    has_invitation: bool

    @classmethod
    def of(cls, kind: str, part: str, locale: str, facts: MessageFacts, place: str) -> Shape:
        """The shape of a message."""
        return cls(
            kind=kind,
            part=part,
            locale=locale,
            device_kind=facts.device_kind,
            minutes=facts.minutes,
            has_code=bool(facts.code),
            has_name=bool(facts.device_name),
            has_place=bool(place),
            has_link=bool(facts.unsubscribe_url),
            has_disown=bool(facts.disown_url),
            has_event=facts.event_time is not None,
            has_due=facts.due_time is not None,
            has_invitation=bool(facts.invitation_token),
        )

    def marked_facts(self) -> MessageFacts:
        """Facts of this shape with marks for values."""
        expiry, event, due = _MARKED_TIMES
        return MessageFacts(
            code=_mark(_CODE) if self.has_code else "",
            minutes=self.minutes,
            expire_time=expiry,
            device_kind=self.device_kind,
            device_name=_mark(_NAME) if self.has_name else "",
            event_time=event if self.has_event else None,
            due_time=due if self.has_due else None,
            unsubscribe_url=_mark(_LINK) if self.has_link else "",
            disown_url=_mark(_DISOWN) if self.has_disown else "",
            invitation_token=_mark(_INVITATION) if self.has_invitation else "",
        )

    def marked_place(self) -> str:
        """A mark for the place, where there is one."""
        return _mark(_PLACE) if self.has_place else ""


class Skeletons:
    """The latest shapes, at most some thousands of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Shape, Sequence[str]] = OrderedDict()

    def fill(
        self, shape: Shape, make: Callable[[], str], facts: MessageFacts, place: str, moment: Moment, time: Moment
    ) -> str:
        """The message; ``make`` renders one with the shape's marks, with :func:`marked_moment` and its like."""
        pieces = self._kept.get(shape)
        if pieces is None:
            pieces = self._kept[shape] = _MARKS.split(make())
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        html = shape.part == "html"
        whole = list(pieces)
        for index in range(1, len(whole), 2):
            value = _value(ord(whole[index]) - _FIRST_MARK, facts, place, moment, time)
            whole[index] = str(escape(value)) if html else value
        return "".join(whole)


def marked_moment(value: datetime | None) -> str:
    """Stands for a day and time of day."""
    return _mark(_MOMENTS + _which(value))


def marked_time(value: datetime | None) -> str:
    """Stands for a time of day."""
    return _mark(_TIMES + _which(value))


def _which(value: datetime | None) -> int:
    if value is None:
        raise UndefinedError("the time is missing that the message speaks of")
    return _MARKED_TIMES.index(value)


def _value(mark: int, facts: MessageFacts, place: str, moment: Moment, time: Moment) -> str:
    if mark == _INVITATION:
        return facts.invitation_token
    if mark < _MOMENTS:
        return (facts.code, facts.device_name, place, facts.unsubscribe_url, facts.disown_url)[mark]
    write, which = (time, mark - _TIMES) if mark >= _TIMES else (moment, mark - _MOMENTS)
    return write((facts.expire_time, facts.event_time, facts.due_time)[which])


def _mark(number: int) -> str:
    return chr(_FIRST_MARK + number)
