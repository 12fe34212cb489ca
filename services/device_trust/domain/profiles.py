"""Profiles: all that is kept of one is a short digest, enough to tell those of an account apart."""

from __future__ import annotations

from zlib import crc32


def profile_digest(profile: str) -> int:
    """32 bits of a profile's id, above 0; 0 where none is known."""
    return (crc32(profile.encode()) or 1) if profile else 0
