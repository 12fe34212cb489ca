"""Every test runs with the plugin's fixtures, and none is timed: a loaded machine is no fault of the code."""

import os

from hypothesis import settings

# gRPC's fork handlers touch channels of other threads in the child: a program started as another user (which forks)
# then ends at times by a segmentation fault before it is the program. Read once, when grpc is first imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

pytest_plugins = ["libs.testing.plugin"]

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
