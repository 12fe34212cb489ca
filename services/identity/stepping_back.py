"""How a worker process leaves the processors to everything else. Imports nothing of the service: workers run this."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_AUTOGROUP: Final = Path("/proc/self/autogroup")


def step_back(niceness: int) -> None:
    """Take a share of the processors of one's own, and be so nice, 0 to 19, to all others that have one.

    Where Linux groups processes by session (autogroup, the default outside of containers), shares are those of sessions
    and niceness counts within a session alone: so this becomes a session of its own, as nice as the process.
    """
    with suppress(PermissionError):
        # It leads a session already.
        os.setsid()
    os.nice(niceness)
    with suppress(OSError):
        _AUTOGROUP.write_text(str(niceness))
