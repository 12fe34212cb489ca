"""Platforms by the names under which experiments target them."""

from __future__ import annotations

from hearthgate.common.v1 import client_context_pb2 as context_pb


def platform_name(number: context_pb.Platform.ValueType) -> str:
    """A platform's name without its prefix, for instance ``ANDROID``."""
    return context_pb.Platform.Name(number).removeprefix("PLATFORM_")
