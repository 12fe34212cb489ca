"""WatchChallenge: a challenge as it stands, and each change of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from services.challenge.domain.challenge import ChallengeState, ChallengeView
from services.challenge.use_cases.context import Context


async def watch_challenge(
    account_id: UUID, challenge_id: UUID, *, context: Context
) -> AsyncGenerator[ChallengeView, None]:
    """Yield the challenge now and after each change; end when it is over, at its expiry at the latest.

    Raises NOT_FOUND, and OVERLOADED where too many watch.
    """
    with context.changes.watch(account_id, challenge_id) as watch:
        shown: ChallengeView | None = None
        while shown is None or shown.state is ChallengeState.PENDING:
            watch.begin()
            view = await context.view(account_id, challenge_id)
            if _differs(view, shown):
                shown = view
                yield view
            if view.state is ChallengeState.PENDING:
                await watch.changed(within=view.next_change - context.clock.now())


def _differs(view: ChallengeView, shown: ChallengeView | None) -> bool:
    return shown is None or _visible(view) != _visible(shown)


def _visible(view: ChallengeView) -> tuple[object, ...]:
    return view.state, view.challenge, view.deliveries, view.other_channel_advised
