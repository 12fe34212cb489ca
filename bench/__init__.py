"""Benchmarks: what things cost, beside a floor of the same run. Run one with ``python -m bench.<name> --help``."""

import os

# Child processes are started by exec, and gRPC has a line to say about each. Read once, when grpc is first imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
