"""What every process needs and no transport or driver: clock, ids, settings, logging, telemetry, keys, tokens."""
