"""Measures passwords for the identity service, in a process of its own: a JSON line in, a JSON line out.

zxcvbn's time grows steeply with the ways to read a text (measured: 250 ms and more for 64 characters chosen for it, the
interpreter's lock held), so that it must not run beside an event loop. Started by ``meter.py``, by its path, so that it
imports nothing of the service; it ends with its input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import zxcvbn_rs_py

# Its interpreter is isolated and knows no checkout.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from services.identity.stepping_back import step_back


def main() -> None:
    """Answer until there is nothing more to answer. Nothing is written but the answers."""
    step_back(0)
    for line in sys.stdin:
        question = json.loads(line)
        entropy = zxcvbn_rs_py.zxcvbn(question["text"], question["words"])
        feedback = entropy.feedback
        answer = {
            # The enums of 0.3 have no names of their own, whatever their stubs say.
            "score": int(entropy.score),
            "guesses_log10": entropy.guesses_log10,
            "warning": _name(feedback.warning) if feedback and feedback.warning else "",
            "suggestions": [_name(each) for each in feedback.suggestions] if feedback else [],
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _name(member: object) -> str:
    return repr(member).rpartition(".")[2]


if __name__ == "__main__":
    main()
