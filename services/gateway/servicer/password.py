"""PasswordService over its use case."""

from __future__ import annotations

from typing import Any

from hearthgate.gateway.v1 import password_service_pb2 as pb
from hearthgate.gateway.v1 import password_service_pb2_grpc as rpc
from services.gateway.domain.password_texts import REFUSAL_TEXTS, SUGGESTION_TEXTS, WARNING_TEXTS, PasswordSuggestion
from services.gateway.use_cases.check_password import check_password
from services.gateway.use_cases.context import Context


class PasswordServicer(rpc.PasswordServiceServicer):
    """The password meter."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CheckPassword(self, request: pb.CheckPasswordRequest, context: Any) -> pb.CheckPasswordResponse:
        checked = await check_password(self._context, request.password, request.email, request.profile_name)
        answer = pb.CheckPasswordResponse(
            score=checked.score,
            guesses_log10=checked.guesses_log10,
            suggestions=[_advice(each) for each in checked.suggestions],
            accepted=checked.refusal is None,
        )
        if checked.warning is not None:
            answer.warning.warning = pb.PasswordWarning.Value(f"PASSWORD_WARNING_{checked.warning}")
            answer.warning.text = WARNING_TEXTS[checked.warning]
        if checked.refusal is not None:
            answer.refusal = pb.PasswordRefusal.Value(f"PASSWORD_REFUSAL_{checked.refusal}")
            answer.refusal_text = REFUSAL_TEXTS[checked.refusal]
        return answer


def _advice(suggestion: PasswordSuggestion) -> pb.PasswordAdvice:
    value = pb.PasswordSuggestion.Value(f"PASSWORD_SUGGESTION_{suggestion}")
    return pb.PasswordAdvice(suggestion=value, text=SUGGESTION_TEXTS[suggestion])
