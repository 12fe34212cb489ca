"""Every test runs with the plugin's fixtures, and none is timed: a loaded machine is no fault of the code."""

from hypothesis import settings

pytest_plugins = ["libs.testing.plugin"]

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
