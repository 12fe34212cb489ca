"""What is left of the SMPP driver when a process ends: it has threads of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from libs.testing.smsc import Smsc

_PROCESSES: Final = 10
_SENDS: Final = """
import asyncio, sys
from services.challenge.delivery.endpoints import parse_smpp_url
from services.challenge.delivery.port import Accepted, TextMessageToSend
from services.challenge.delivery.smpp import SmppTextSender

async def main():
    sender = SmppTextSender(parse_smpp_url(sys.argv[1]))
    message = TextMessageToSend(message_id="c1", recipient="+4915112345678", text="123456")
    outcomes = await asyncio.gather(*(sender.send(message) for _ in range(20)))
    assert all(isinstance(each, Accepted) for each in outcomes)
    await sender.close()

asyncio.run(main())
"""


async def _exit_code(url: str, room: asyncio.Semaphore) -> int:
    async with room, asyncio.timeout(60):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _SENDS, url), cwd=Path(__file__).parents[3], stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait()


async def test_a_process_that_sent_texts_ends_in_order(smsc: Smsc) -> None:
    """Without a pause after the driver's last answer, a third of them ended by SIGABRT or SIGSEGV."""
    room = asyncio.Semaphore(2)
    codes = await asyncio.gather(*(_exit_code(smsc.url, room) for _ in range(_PROCESSES)))
    assert codes == [0] * _PROCESSES
