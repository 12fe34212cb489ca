"""ListDestinations: every address and number that is held for an account, for its erasure and its export."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from services.identity.domain.contact import Channel
from services.identity.storage import accounts, destinations
from services.identity.storage.destinations import Reached
from services.identity.use_cases.context import Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Destinations:
    """``own``: the owner's, present and former. ``others``: somebody else's, or it is not known whose. Sorted."""

    own: tuple[str, ...] = field(repr=False)
    others: tuple[str, ...] = field(repr=False)


async def list_destinations(account_id: UUID, *, identity: Identity) -> Destinations:
    """None for an account that is not there. A former address that another account has by now is that one's."""
    database, keys = identity.database, identity.keys
    own = await destinations.list_own(database, keys, account_id)
    given_up = {each for each in own if await _is_anothers(each, account_id, identity)}
    others = await destinations.list_others(database, keys, account_id) | given_up
    own -= given_up
    return Destinations(own=_plain(own), others=_plain(others - own))


async def _is_anothers(reached: Reached, account_id: UUID, identity: Identity) -> bool:
    channel, destination = reached
    if channel is not Channel.EMAIL:
        return False
    holder = await accounts.find_address(identity.database, identity.keys.email_hashes(destination))
    return holder is not None and holder != account_id


def _plain(found: set[Reached]) -> tuple[str, ...]:
    return tuple(sorted(destination for _, destination in found))
