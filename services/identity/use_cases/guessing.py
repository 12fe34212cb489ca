"""One guess at a password: spent before it is compared, given back where nothing was, cleared where it was right."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.keys import OpenError
from libs.runtime.logging import get_logger
from libs.runtime.networks import network_of
from services.identity.domain.contact import Channel
from services.identity.domain.password_guesses import Refusal, Standing, refusal
from services.identity.metrics import count_limited_guess
from services.identity.passwords import Admitted
from services.identity.storage import accounts
from services.identity.storage import password_guesses as storage
from services.identity.storage.password_guesses import FORMER_DEVICES, NETWORK, STRANGERS, Counter, SpentGuess
from services.identity.use_cases.context import Identity

_log = get_logger(__name__)


def sign_in_counters(
    identity: Identity, address_hash: bytes, standing: Standing, *, device_id: str, ip_address: str
) -> list[Counter]:
    """Where a sign-in's guess is counted: at the address, and, unless the account knows the device, at the network."""
    if standing is Standing.KNOWN:
        return [_of_address(identity, address_hash, identity.keys.guess_hash("device", device_id))]
    counters = [_of_address(identity, address_hash, FORMER_DEVICES if standing is Standing.FORMER else STRANGERS)]
    if ip_address:
        network_hash = identity.keys.guess_hash("network", network_of(ip_address))
        counters.append(Counter(guess_hash=network_hash, holder=NETWORK, limit=identity.guesses.by_network))
    return counters


def account_counters(identity: Identity, account_id: UUID) -> list[Counter]:
    """Where a guess of somebody is counted who is signed in: at the account, apart from every sign-in."""
    return [_of_address(identity, identity.keys.account_guess_hashes(account_id)[0], STRANGERS)]


async def counted_under(account_id: UUID, *, identity: Identity) -> list[bytes]:
    """What guesses at the account may be counted under, under each key: the account itself, and its address.

    The address from the contact, as the lookup may not have it under the first key yet, amid a rotation.
    """
    hashes = identity.keys.account_guess_hashes(account_id)
    try:
        contacts = await accounts.list_contacts(identity.database, identity.keys, account_id)
    except OpenError:
        return hashes
    emails = [each.destination for each in contacts if each.channel is Channel.EMAIL]
    return hashes + [hashed for email in emails for hashed in identity.keys.hashes_by_key(email)]


async def check_guess(
    password_hash: str | None, normalized: str, counters: Sequence[Counter], *, admitted: Admitted, identity: Identity
) -> bool:
    """Whether the hash is the password's, for a guess at each of the counters.

    A caller who gave up waiting gets the guess not back: it may have been compared. Raises LIMIT_EXCEEDED, with
    RetryInfo where waiting helps, after a pause in which the refused call keeps its place.
    """
    spent = await _spend(counters, admitted, identity)
    try:
        right = await admitted.verify(password_hash, normalized)
    except Exception:
        await _give_back(spent, identity)
        raise
    now = identity.clock.now()
    if right:
        await _clear(spent, now, identity)
    else:
        _tell_reached(spent, now)
    return right


async def _spend(counters: Sequence[Counter], admitted: Admitted, identity: Identity) -> list[SpentGuess]:
    now = identity.clock.now()
    spent = await storage.spend(identity.database, counters, now)
    if len(spent) == len(counters):
        return spent
    await _give_back(spent, identity)
    refused = await _refusal(counters, now, identity)
    count_limited_guess(refused.limit)
    await admitted.pause(identity.guesses.pause)
    raise ServiceError(
        ErrorReason.LIMIT_EXCEEDED,
        detail="wrong passwords",
        metadata={"limit": refused.limit, "max": str(refused.most)},
        retry_after=refused.wait,
    )


async def _refusal(counters: Sequence[Counter], now: datetime, identity: Identity) -> Refusal:
    """The first counter's that refuses; where it has room again by now, a moment's wait will do."""
    for each in counters:
        guesses = await storage.find_guesses(identity.database, each)
        if (refused := refusal(guesses, each.limit, now)) is not None:
            return refused
    first = counters[0].limit
    return Refusal(limit=first.name, most=first.at_once, wait=first.cost)


async def _clear(spent: Sequence[SpentGuess], now: datetime, identity: Identity) -> None:
    """The network gets its guess back alone: who knows one password may have guessed at many."""
    for each in spent:
        if each.counter.holder == NETWORK:
            await storage.give_back(identity.database, each, now)
        else:
            await storage.clear(identity.database, each, now)


async def _give_back(spent: Sequence[SpentGuess], identity: Identity) -> None:
    """What cannot be given back stays spent: the limit errs towards refusing."""
    now = identity.clock.now()
    for each in spent:
        with suppress(ServiceError):
            await storage.give_back(identity.database, each, now)


def _tell_reached(spent: Sequence[SpentGuess], now: datetime) -> None:
    for each in spent:
        if (reached := refusal(each.guesses, each.counter.limit, now)) is not None:
            _log.warning("password guesses limited", limit=reached.limit, max=reached.most)


def _of_address(identity: Identity, guess_hash: bytes, holder: bytes) -> Counter:
    return Counter(guess_hash=guess_hash, holder=holder, limit=identity.guesses.by_address)
