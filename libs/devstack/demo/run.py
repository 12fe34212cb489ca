"""Starts a stack of its own, tells the story on it, and leaves nothing behind unless asked to."""

from __future__ import annotations

import asyncio
import io
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from libs.devstack.demo.screen import Screen
from libs.devstack.demo.story import Story, describe
from libs.devstack.stack import Stack, StackOptions
from libs.testing.postgres import temporary_directory

TIME_LIMIT_SECONDS: Final = 120.0
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
    """Tell the story until it ends or a signal asks for the end; then everything is stopped."""
    asked: list[int] = []
    telling = asyncio.create_task(_tell(screen, folder, asked))

    def stop(number: int) -> None:
        asked.append(number)
        telling.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    try:
        code = await telling
    except asyncio.CancelledError:
        if not asked:
            raise
    return 128 + asked[0] if asked else code


async def _tell(screen: Screen, folder: Path, asked: Sequence[int]) -> int:
    options = StackOptions(data_dir=folder, base_port=None, durable=False, overrides=POLICY, on_event=screen.event)
    story: Story | None = None
    error = ""
    try:
        async with asyncio.timeout(TIME_LIMIT_SECONDS), Stack.running(options) as stack:
            if asked:
                # What starts a stack may have swallowed it.
                raise asyncio.CancelledError
            story = Story(stack=stack, screen=screen)
            await story.tell()
    except Exception as failure:  # whatever it is, the last line says so
        error = describe(failure)
        screen.says("The story ended early", error, good=False)
    return screen.finish(story.steps if story else {}, error)
