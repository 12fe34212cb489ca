"""Starts a stack of its own, tells the story on it, and leaves nothing behind unless asked to."""

from __future__ import annotations

import asyncio
import io
import shutil
import signal
from pathlib import Path
from typing import Final

from rich.console import Console

from libs.devstack.demo.screen import Screen
from libs.devstack.demo.story import Story, describe
from libs.devstack.stack import Stack, StackOptions
from libs.testing.postgres import temporary_directory

TIME_LIMIT_SECONDS: Final = 120.0
_EXIT_AFTER_SIGTERM: Final = 128 + signal.SIGTERM
POLICY: Final = {
    # A deadline that a reader can wait for. A friend's device is asked at its first start, while in production it is
    # watched for some days before. The rest is as in production.
    "device_trust": {"HEARTHGATE_DEFERRAL_SECONDS": "4", "HEARTHGATE_TOLERATED_DAYS": "0"},
}


def run_demo(*, data_dir: Path | None, keep: bool, quiet: bool) -> int:
    """Tell the story; the exit code is 0 when every step came out right. The last line printed is one JSON object.

    Without ``data_dir`` the data stands in a temporary folder, which goes at the end unless ``keep``.
    """
    screen = Screen(console=Console(file=io.StringIO()) if quiet else Console(highlight=False))
    folder = data_dir or _temporary_folder()
    try:
        return asyncio.run(_run(screen, folder))
    except asyncio.CancelledError:
        return _EXIT_AFTER_SIGTERM
    finally:
        if keep or data_dir:
            screen.note(f"The data stays in {folder}; look into it with: hearthgate up --data {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _temporary_folder() -> Path:
    """A folder that PostgreSQL's user can pass through, in memory where there is room."""
    folder = temporary_directory()
    folder.chmod(0o711)
    return folder


async def _run(screen: Screen, folder: Path) -> int:
    story_task = asyncio.current_task()
    assert story_task is not None
    # As Ctrl-C does: everything is stopped, and the temporary folder goes.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, story_task.cancel)
    options = StackOptions(data_dir=folder, base_port=None, durable=False, overrides=POLICY, on_event=screen.event)
    story: Story | None = None
    error = ""
    try:
        async with asyncio.timeout(TIME_LIMIT_SECONDS), Stack.running(options) as stack:
            story = Story(stack=stack, screen=screen)
            await story.tell()
    except Exception as failure:  # whatever it is, the last line says so
        error = describe(failure)
        screen.says("The story ended early", error, good=False)
    return screen.finish(story.steps if story else {}, error)
