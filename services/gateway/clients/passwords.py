"""The gateway's view of identity's password meter. Every method raises ServiceError."""

from __future__ import annotations

from dataclasses import dataclass

from hearthgate.identity.v1 import password_service_pb2 as pb
from hearthgate.identity.v1 import password_service_pb2_grpc as rpc
from libs.rpc.channel import Channel, call
from services.gateway.domain.password_texts import PasswordRefusal, PasswordSuggestion, PasswordWarning


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedPassword:
    """How hard a password is to guess, 0 to 4, and why it would not be taken; None where it would."""

    score: int
    guesses_log10: float
    warning: PasswordWarning | None
    suggestions: tuple[PasswordSuggestion, ...]
    refusal: PasswordRefusal | None


class PasswordClient:
    """The password meter."""

    def __init__(self, channel: Channel) -> None:
        self._stub = rpc.PasswordServiceStub(channel)

    async def check_password(self, password: str, email: str, profile_name: str) -> CheckedPassword:
        """What would be said of a password. Raises OVERLOADED."""
        request = pb.CheckPasswordRequest(password=password, email=email, profile_name=profile_name)
        answer = await call(self._stub.CheckPassword, request)
        return CheckedPassword(
            score=answer.score,
            guesses_log10=answer.guesses_log10,
            warning=PasswordWarning(warning) if (warning := _warning(answer.warning)) else None,
            suggestions=tuple(PasswordSuggestion(_suggestion(each)) for each in answer.suggestions),
            refusal=PasswordRefusal(refusal) if (refusal := _refusal(answer.refusal)) else None,
        )


def _warning(value: pb.PasswordWarning.ValueType) -> str:
    return pb.PasswordWarning.Name(value).removeprefix("PASSWORD_WARNING_") if value else ""


def _suggestion(value: pb.PasswordSuggestion.ValueType) -> str:
    return pb.PasswordSuggestion.Name(value).removeprefix("PASSWORD_SUGGESTION_")


def _refusal(value: pb.PasswordRefusal.ValueType) -> str:
    return pb.PasswordRefusal.Name(value).removeprefix("PASSWORD_REFUSAL_") if value else ""
