"""What reasons and remedies say to people. English; ``languages.py`` has the others."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from services.gateway.domain.decision import ReasonCode, RemedyCode


def sentence(english: str) -> str:
    """Marks what `make messages` carries into the catalogues."""
    return english


REASON_TEXTS: Final = MappingProxyType(
    {
        ReasonCode.SESSION_ENDED: sentence("You have been signed out on this device."),
        ReasonCode.SESSION_RESTRICTED: sentence("This device has yet to prove that it may use the account."),
        ReasonCode.ACCOUNT_ON_HOLD: sentence("The account is on hold."),
        ReasonCode.ACCOUNT_CLOSED: sentence("The account is closed."),
        ReasonCode.DEVICE_REVOKED: sentence("The owner of the account has shut this device out."),
        ReasonCode.SUSPECTED_THEFT: sentence(
            "This sign-in looks unusual, so the owner of the account has to confirm it."
        ),
        ReasonCode.NOT_ENFORCED: sentence("Enjoy."),
        ReasonCode.HOUSEHOLD: sentence("This device belongs to the household."),
        ReasonCode.TRAVELLING: sentence("This device belongs to the household and is travelling."),
        ReasonCode.GUEST: sentence("This device may be used as a guest for a while."),
        ReasonCode.DEFERRED: sentence("This device has to be verified by the date shown."),
        ReasonCode.DEVICE_UNCONFIRMED: sentence("This device does not seem to belong to the account's household."),
        ReasonCode.DEADLINE_PASSED: sentence("The time to verify this device has passed."),
        ReasonCode.TOO_MANY_STREAMS: sentence("All streams of the plan are in use."),
        ReasonCode.PASSWORD_RESET_REQUIRED: sentence(
            "The password has to be replaced before anybody signs in with it."
        ),
        ReasonCode.MEMBERSHIP_ENDED: sentence(
            "You are no longer an extra member, and this account has no plan of its own yet."
        ),
    }
)

REMEDY_TEXTS: Final = MappingProxyType(
    {
        RemedyCode.VERIFY_BY_EMAIL: sentence("Send a code to the owner by email"),
        RemedyCode.VERIFY_BY_TEXT: sentence("Send a code to the owner by text message"),
        RemedyCode.VERIFY_BY_TRUSTED_DEVICE: sentence("Ask a device of the household"),
        RemedyCode.VERIFY_LATER: sentence("Verify later"),
        RemedyCode.CREATE_OWN_ACCOUNT: sentence("Make your own account and bring your profile along"),
        RemedyCode.STOP_ANOTHER_STREAM: sentence("Stop another stream"),
        RemedyCode.SIGN_IN: sentence("Sign in again"),
        RemedyCode.CONNECT_AT_HOME: sentence("Connect this device at home once"),
        RemedyCode.CONTACT_OWNER: sentence("Ask the owner of the account"),
        RemedyCode.RESET_PASSWORD: sentence("Choose a new password with a code by email"),
        RemedyCode.BECOME_EXTRA_MEMBER: sentence("Ask the owner to add you as an extra member"),
        RemedyCode.CHOOSE_PLAN: sentence("Choose a plan of your own"),
    }
)
