"""The SMSC of docker-compose.yml: takes texts by SMPP on port 2775, prints each as a line of JSON. Development only."""

from __future__ import annotations

import asyncio
import json
import signal

from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import ReceivedText


def show(text: ReceivedText) -> None:
    """Print what the phone would show."""
    print(json.dumps({"to": text.destination, "from": text.source, "text": text.text}, ensure_ascii=False), flush=True)


async def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Smsc(host="0.0.0.0", port=2775, receipts=True, on_text=show):
        print(json.dumps({"event": "listening", "port": 2775}), flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
