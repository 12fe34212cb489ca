"""One evening's viewing: sign in if need be, start, take a refusal as people do, watch, stop."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from random import Random

from services.device_trust.replay.records import Answer, Event, Label, Record
from services.device_trust.simulation.parameters import Manner, Networks, Streams
from services.device_trust.simulation.world.addresses import Address
from services.device_trust.simulation.world.agenda import Agenda, Story
from services.device_trust.simulation.world.devices import Device, DeviceShop
from services.device_trust.simulation.world.places import Place

MINUTE = 60.0
HOUR = 3_600.0
_LONGEST_TALK = 3 * HOUR
"""Nobody else takes up a device while somebody signs in, looks for the code and starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What all who use one account have in common."""

    account: str
    agenda: Agenda
    shop: DeviceShop
    streams: Streams
    networks: Networks
    first_places: dict[tuple[str, str], str]
    """Where each device id was first used; see ``PlaceKind``."""


class Actor:
    """Somebody who uses the account, or a household as one: how they react, and whether they still try."""

    def __init__(self, *, setting: Setting, name: str, label: Label, manner: Manner, rng: Random) -> None:
        self.setting = setting
        self.name = name
        self.label = label
        self.manner = manner
        self.rng = rng
        self.codes_until = float("inf")
        """After this time (s) the owner forwards no more codes."""
        self.paused_until = -1.0
        self.has_quit = False
        self.refusals = 0
        """How many times a viewing came to nothing."""

    def watch(self, device: Device, place: Place, time: float, profile: str | None) -> Story:
        """A whole viewing. It ends without a stream where the engine and the people's patience say so."""
        if time < device.busy_until or self.has_quit:
            return
        self._renew_if_reset(device, time)
        seat = Seat(actor=self, device=device, place=place, profile=profile)
        device.busy_until = time + _LONGEST_TALK
        begun = yield from self._begin(seat, time)
        if begun is None:
            self._turn_away(device, seat.seen_at)
            return
        yield from self._play(seat, begun)

    def _renew_if_reset(self, device: Device, time: float) -> None:
        if self.setting.shop.resets_by(device, time, self.rng):
            self.setting.shop.renew(device, actor=self.name)

    def _begin(self, seat: Seat, time: float) -> Generator[Record | float, Answer | None, float | None]:
        """Sign in and start; the time at which the stream runs, or None."""
        if seat.device.signed_in_until < time:
            signed_in = yield from self._try(seat, Event.SIGN_IN, time)
            if signed_in is None:
                return None
            seat.device.signed_in_until = signed_in + self.setting.shop.session_length(seat.device, self.rng)
            time = signed_in + self.rng.uniform(0.3, 3) * MINUTE
        started = yield from self._try(seat, Event.START, time)
        if started is None or started == time:
            return started
        # They proved something or chose "later": now the stream is asked for again, once.
        answer = yield seat.record(Event.START, started)
        return started if _allows(answer) else None

    def _try(self, seat: Seat, event: Event, time: float) -> Generator[Record | float, Answer | None, float | None]:
        """Ask the engine; the time at which they may go on, later if they had to do something, or None."""
        answer = yield seat.record(event, time)
        if answer is None or answer.outcome.allows:
            return time
        if answer.can_use_code:
            if self._has_code(self.manner.code_now, time):
                return (yield from self._pass_code(seat, time + self.rng.uniform(*self.manner.code_minutes) * MINUTE))
            time = yield from self._guess(seat, time)
        if answer.can_defer and self.rng.random() < self.manner.defers:
            chosen = time + self.rng.uniform(0.5, 3) * MINUTE
            yield seat.record(Event.DEFERRED, chosen)
            return chosen + MINUTE / 2
        if answer.can_use_code and self._has_code(self.manner.code_later, time):
            return (yield from self._pass_code_later(seat, time))
        return None

    def _has_code(self, chance: float, time: float) -> bool:
        return time < self.codes_until and self.rng.random() < chance

    def _guess(self, seat: Seat, time: float) -> Generator[Record | float, Answer | None, float]:
        """Enter wrong codes, if they are of that sort; the time afterwards."""
        for _ in range(self.rng.randint(*self.manner.guesses)):
            time += self.rng.uniform(0.5, 3) * MINUTE
            yield seat.record(Event.CODE_FAILED, time)
        return time

    def _pass_code(self, seat: Seat, time: float) -> Generator[Record | float, Answer | None, float]:
        if self.rng.random() < self.manner.mistypes:
            yield seat.record(Event.CODE_FAILED, time)
            time += MINUTE
        yield seat.record(Event.CODE_PASSED, time)
        return time + self.rng.uniform(0.3, 1) * MINUTE

    def _pass_code_later(self, seat: Seat, time: float) -> Generator[Record | float, Answer | None, float]:
        """The owner answers hours later, from which time on they can watch."""
        time += self.rng.uniform(*self.manner.code_later_hours) * HOUR
        seat.device.busy_until = time + _LONGEST_TALK
        yield time
        return (yield from self._pass_code(seat, time))

    def _turn_away(self, device: Device, time: float) -> None:
        """Refused: nobody plays, and they leave the device or the service alone for a while, or for good."""
        self.refusals += 1
        pause = self.rng.uniform(*self.manner.pause_hours) * HOUR
        if self.label is Label.HOUSEHOLD:
            # At home the family watches on another device meanwhile.
            device.busy_until = time + pause
        else:
            device.busy_until = time + MINUTE
            self.paused_until = time + pause
        if self.rng.random() < self.manner.gives_up_for_good:
            self._quit(device)

    def _quit(self, device: Device) -> None:
        if self.label is Label.HOUSEHOLD:
            device.busy_until = float("inf")
        else:
            self.has_quit = True

    def _play(self, seat: Seat, time: float) -> Story:
        """Heartbeats, then the stop."""
        streams = self.setting.streams
        end = time + self.rng.uniform(*streams.minutes) * MINUTE
        seat.device.busy_until = end
        step = streams.heartbeat_minutes * MINUTE
        beat = time + step
        while beat < end - step / 2:
            yield seat.record(Event.HEARTBEAT, beat)
            beat += step
        yield seat.record(Event.STOP, end)


class Seat:
    """A device in a place with a profile chosen: what the records of one viewing have in common."""

    __slots__ = ("_address", "_asked_at", "actor", "device", "place", "profile", "seen_at")

    def __init__(self, *, actor: Actor, device: Device, place: Place, profile: str | None) -> None:
        self.actor = actor
        self.device = device
        self.place = place
        self.profile = profile
        self.seen_at = 0.0
        """The time (s) of the last record."""
        self._asked_at = 0.0
        self._address: Address | None = None

    def record(self, event: Event, time: float) -> Record:
        """What the service sees of an event at ``time`` (s)."""
        actor, device, setting = self.actor, self.device, self.actor.setting
        self.seen_at = time
        if device.first_place is None:
            device.first_place = setting.first_places[setting.account, device.device_id] = self.place.kind
        ip, asn, country = self._address_at(event, time)
        rare = actor.rng.random()
        networks = setting.networks
        return Record(
            time=setting.agenda.moment(time),
            account=setting.account,
            device_id=device.device_id,
            device_kind=device.kind,
            device_platform=device.platform,
            ip=ip,
            event=event,
            asn=None if rare < networks.missing_asn_share else asn,
            country=None if rare > 1 - networks.missing_country_share else country,
            profile=None if event is Event.SIGN_IN else self.profile,
            label=actor.label,
        )

    def _address_at(self, event: Event, time: float) -> Address:
        # A stream keeps its connection: only what follows hours later is asked for anew.
        runs_on = event is Event.HEARTBEAT or event is Event.STOP or time < self._asked_at + HOUR
        if self._address is None or not runs_on:
            self._address = self.place.address(time, self.device.interface)
            self._asked_at = time
        return self._address


def _allows(answer: Answer | None) -> bool:
    return answer is None or answer.outcome.allows
