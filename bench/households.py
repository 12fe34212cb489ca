"""Accounts made through the gateway, as people would make them, each with a television that is signed in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import uuid4

from hearthgate.common.v1 import client_context_pb2 as context_pb
from libs.devstack.device import Device, Person, code_in, has_code
from libs.devstack.stack import Stack

PASSWORD = "four words nobody guesses"


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """An owner and a television."""

    owner: Person
    tv: Device


async def make_homes(stack: Stack, count: int) -> list[Home]:
    """So many, one after the other."""
    return [await _make(stack) for _ in range(count)]


async def _make(stack: Stack) -> Home:
    owner = Person(name="Ada", email=f"{uuid4().hex}@example.com", password=PASSWORD)
    tv = device(stack)
    sign_up_id = await tv.sign_up(owner)
    assert stack.inbox is not None
    async with asyncio.timeout(20):
        mail = await stack.inbox.wait_for(owner.email, lambda each: has_code(each.text), timeout=15)
    await tv.complete_sign_up(sign_up_id, code_in(mail.text))
    return Home(owner=owner, tv=tv)


def device(stack: Stack) -> Device:
    """A television of its own at home."""
    return Device(
        name="TV",
        device_id=f"bench-{uuid4().hex}",
        kind=context_pb.DEVICE_KIND_TV,
        platform=context_pb.PLATFORM_ANDROID_TV,
        ip_address="203.0.113.10",
        country_code="DE",
        channel=stack.gateway_channel(),
    )
