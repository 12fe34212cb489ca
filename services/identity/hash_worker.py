"""Hashes passwords for the identity service, in a process of its own: a JSON line in, a JSON line out.

Started by ``hashing_processes.py``, by its path and with Argon2id's memory (KiB), passes and lanes, and its niceness.
It ends with its input. Nothing is written but the answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Its interpreter is isolated and knows no checkout.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from services.identity.argon2id import Argon2idHasher
from services.identity.stepping_back import step_back


def main(arguments: list[str]) -> None:
    """Answer until there is nothing more to answer."""
    memory_kib, passes, lanes, niceness = (int(each) for each in arguments)
    step_back(niceness)
    hasher = Argon2idHasher(memory_kib=memory_kib, passes=passes, lanes=lanes)
    for line in sys.stdin:
        question = json.loads(line)
        known = question["hash"]
        answer = hasher.verify(known, question["password"]) if known else hasher.hash(question["password"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
