"""When an account that is to be erased may change its state, and to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.identity.domain.account_state import AccountState

LAST_TURN: Final = 2**63 - 1
"""The turn of who deletes an account without asking: none comes after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An account's own state; ``before`` is what it was before it was closed to be erased, None where it was not.

    ``fence`` is the latest turn of an erasure that changed it. Turns grow, so that one which was overtaken is known.
    """

    state: AccountState
    before: AccountState | None = None
    fence: int = 0

    @property
    def to_be_erased(self) -> bool:
        """Whether an erasure has it: only calling that off opens it. One that is open all the same is not had."""
        return self.before is not None and not self.state.open

    @property
    def own_state(self) -> AccountState:
        """What it is without the erasure."""
        if self.before is None or not self.to_be_erased:
            return self.state
        return self.before

    def overtaken(self, fence: int) -> bool:
        """Whether a turn comes too late: a later one has been here."""
        return fence < self.fence
