"""Benchmarks: what things cost, beside a floor of the same run. Run one with ``python -m bench.<name> --help``."""
