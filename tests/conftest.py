"""What every test may use stands in the plugin."""

pytest_plugins = ["libs.testing.plugin"]
