"""Signing keys of session tokens are rotated under load, and no valid token is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import cycle
from uuid import UUID, uuid4

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import SigningKey
from services.identity.access_tokens import AccessTokens
from services.identity.domain.session import SessionState
from services.identity.use_cases.context import Identity
from services.identity.use_cases.open_session import NewSession, OpenedSession, open_session
from services.identity.use_cases.refresh_session import Refresh, refresh_session
from services.identity.use_cases.resolve_session import resolve_session
from tests.contract.identity.identity_world import World

OLD, NEW = b"o" * 32, b"n" * 32
DEVICES = 6
ROUNDS_A_STEP = 8
CALLS_A_STEP = 2 * DEVICES * ROUNDS_A_STEP


def replica(world: World, *masters: bytes) -> Identity:
    """A replica of the service with these session keys."""
    tokens = AccessTokens([SigningKey.from_seed(master) for master in masters])
    return replace(world.identity, access_tokens=tokens, refresh_keys=list(masters))


@dataclass(kw_only=True)
class Fleet:
    """Two replicas behind a balancer; each call goes to the next one. They go through ``steps`` as calls come in."""

    steps: list[tuple[Identity, Identity]]
    refused: int = 0
    calls: int = 0

    def __post_init__(self) -> None:
        self.replicas = list(self.steps[0])
        self._turns = cycle((0, 1))

    def next(self) -> Identity:
        """The replica whose turn it is."""
        return self.replicas[next(self._turns)]

    async def live(self, session_token: str) -> None:
        """Count a token that ought to be live, and is not."""
        self._roll_out()
        try:
            resolved = await resolve_session(session_token, identity=self.next())
        except ServiceError as error:
            self.refused += error.reason is ErrorReason.SESSION_UNKNOWN
        else:
            assert resolved.session.state is SessionState.LIVE

    def _roll_out(self) -> None:
        """At each step's first call one replica is replaced, at its second the other one."""
        step, call = divmod(self.calls, CALLS_A_STEP)
        if call < 2:
            self.replicas[call] = self.steps[step][call]
        self.calls += 1


async def a_device(fleet: Fleet, account_id: UUID, name: str, rounds: int) -> None:
    """Sign in, then look and refresh by turns; the newest and the one before it both hold."""
    new = NewSession(request_id=uuid4(), account_id=account_id, device_id=name, restricted=False)
    opened: OpenedSession = await open_session(new, identity=fleet.next())
    for _ in range(rounds):
        before = opened
        assert opened.tokens is not None
        refresh = Refresh(refresh_token=opened.tokens.refresh_token.encode(), device_id=name)
        opened = await refresh_session(refresh, identity=fleet.next())
        await asyncio.gather(fleet.live(opened.session_token), fleet.live(before.session_token))


async def under_load(world: World, steps: list[tuple[Identity, Identity]]) -> Fleet:
    """What devices meet while the replicas go from step to step, one replica after the other."""
    account_id = UUID(await world.active(email=f"{uuid4()}@example.com"))
    fleet = Fleet(steps=steps)
    rounds = ROUNDS_A_STEP * len(steps)
    await asyncio.gather(*(a_device(fleet, account_id, f"device-{n}", rounds) for n in range(DEVICES)))
    assert fleet.calls == CALLS_A_STEP * len(steps)
    return fleet


async def test_keys_are_rotated_under_load_and_no_valid_token_is_refused(world: World) -> None:
    both_old, both_new = replica(world, OLD, NEW), replica(world, NEW, OLD)
    steps = [
        (replica(world, OLD), replica(world, OLD)),
        (both_old, both_old),
        (both_new, both_old),
        (both_new, both_new),
    ]
    assert (await under_load(world, steps)).refused == 0
    # Negative control: a key that is put first before every replica has it costs devices their tokens.
    hasty = [
        (replica(world, OLD), replica(world, OLD)),
        (replica(world, NEW), replica(world, OLD)),
        (replica(world, NEW), replica(world, NEW)),
    ]
    assert (await under_load(world, hasty)).refused > 0


async def test_an_old_key_is_dropped_once_its_tokens_have_run_out(world: World) -> None:
    account_id = UUID(await world.active())
    before, after = replica(world, NEW, OLD), replica(world, NEW)
    new = NewSession(request_id=uuid4(), account_id=account_id, device_id="tv", restricted=False)
    opened = await open_session(new, identity=replica(world, OLD))
    assert opened.tokens is not None
    world.clock.advance(world.identity.lifetimes.without_key.session_token)
    resolved = await resolve_session(opened.session_token, identity=before)
    assert resolved.session.state is SessionState.ENDED
    refresh = Refresh(refresh_token=opened.tokens.refresh_token.encode(), device_id="tv")
    fresh = await refresh_session(refresh, identity=after)
    resolved = await resolve_session(fresh.session_token, identity=after)
    assert resolved.session.state is SessionState.LIVE
