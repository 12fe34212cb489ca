"""Real servers on loopback, and senders that speak to them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from libs.testing.smsc import Smsc
from libs.testing.smtp import SmtpInbox


@pytest.fixture
async def inbox() -> AsyncIterator[SmtpInbox]:
    async with SmtpInbox() as inbox:
        yield inbox


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as smsc:
        yield smsc


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every library's log at its most talkative, so that a test can look for what must not be in it."""
    caplog.set_level(logging.DEBUG)
    return caplog
