"""EndChallenges: a code lives no longer than the contact that it went to."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.runtime.logging import get_logger
from services.challenge.domain.verification import TO_CONTACTS
from services.challenge.storage.challenges import ChallengeStore
from services.challenge.use_cases.context import Context

_log = get_logger(__name__)


async def end_challenges(account_id: UUID, contacts: Sequence[str], *, context: Context) -> int:
    """How many pending codes ended that went to none of the contacts.

    What stays is named, not what goes: so a repeat needs to remember nothing of a contact that is gone already, and
    what went to a destination under a hash of another pepper ends with the rest.
    """
    kept, now = context.keys.contact_hashes(contacts), context.clock.now()
    ended = await ChallengeStore(context.database).end_others(account_id, TO_CONTACTS, kept, now)
    for challenge_id in ended:
        context.changes.announce(account_id, challenge_id)
    _log.info("challenges ended", account_id=account_id, ended=len(ended))
    return len(ended)
