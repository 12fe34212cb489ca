"""Runs a module that ends when its parent does: ``python -m libs.devstack.tether PARENT_PID MODULE [ARGUMENT ...]``.

The tie is made here, after exec: code between fork and exec is not safe in a parent whose gRPC runs threads.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main(arguments: list[str]) -> None:
    """Ask Linux for SIGINT at the parent's death, a kill -9 of it included, and become the module."""
    parent, module = int(arguments[0]), arguments[1]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        raise SystemExit(1)
    sys.argv = [module, *arguments[2:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
