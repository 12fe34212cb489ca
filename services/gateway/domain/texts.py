"""What reasons and remedies say to people. English; other languages come with the catalogue of messages."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from services.gateway.domain.decision import ReasonCode, RemedyCode

REASON_TEXTS: Final = MappingProxyType(
    {
        ReasonCode.SESSION_ENDED: "You have been signed out on this device.",
        ReasonCode.SESSION_RESTRICTED: "This device has yet to prove that it may use the account.",
        ReasonCode.ACCOUNT_ON_HOLD: "The account is on hold.",
        ReasonCode.ACCOUNT_CLOSED: "The account is closed.",
        ReasonCode.DEVICE_REVOKED: "The owner of the account has shut this device out.",
        ReasonCode.SUSPECTED_THEFT: "This sign-in looks unusual, so the owner of the account has to confirm it.",
        ReasonCode.NOT_ENFORCED: "Enjoy.",
        ReasonCode.HOUSEHOLD: "This device belongs to the household.",
        ReasonCode.TRAVELLING: "This device belongs to the household and is travelling.",
        ReasonCode.GUEST: "This device may be used as a guest for a while.",
        ReasonCode.DEFERRED: "This device has to be verified by the date shown.",
        ReasonCode.DEVICE_UNCONFIRMED: "This device does not seem to belong to the account's household.",
        ReasonCode.DEADLINE_PASSED: "The time to verify this device has passed.",
        ReasonCode.TOO_MANY_STREAMS: "All streams of the plan are in use.",
        ReasonCode.PASSWORD_RESET_REQUIRED: "The password has to be replaced before anybody signs in with it.",
        ReasonCode.MEMBERSHIP_ENDED: "You are no longer an extra member, and this account has no plan of its own yet.",
    }
)

REMEDY_TEXTS: Final = MappingProxyType(
    {
        RemedyCode.VERIFY_BY_EMAIL: "Send a code to the owner by email",
        RemedyCode.VERIFY_BY_TEXT: "Send a code to the owner by text message",
        RemedyCode.VERIFY_BY_TRUSTED_DEVICE: "Ask a device of the household",
        RemedyCode.VERIFY_LATER: "Verify later",
        RemedyCode.CREATE_OWN_ACCOUNT: "Make your own account and bring your profile along",
        RemedyCode.STOP_ANOTHER_STREAM: "Stop another stream",
        RemedyCode.SIGN_IN: "Sign in again",
        RemedyCode.CONNECT_AT_HOME: "Connect this device at home once",
        RemedyCode.CONTACT_OWNER: "Ask the owner of the account",
        RemedyCode.RESET_PASSWORD: "Choose a new password with a code by email",
        RemedyCode.BECOME_EXTRA_MEMBER: "Ask the owner to add you as an extra member",
        RemedyCode.CHOOSE_PLAN: "Choose a plan of your own",
    }
)
