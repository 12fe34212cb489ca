"""Validation: the rules that stand in the protos, checked before a handler runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import DecodeError, Message
from protovalidate import Validator, Violation

from libs.runtime.errors import ErrorReason, FieldViolation, ServiceError


class RequestValidator:
    """Checks requests against their protovalidate rules. One for a server: it keeps the compiled rules."""

    def __init__(self) -> None:
        self._validator: Final = Validator()

    def warm(self, messages: Iterable[type[Message]]) -> None:
        """Compile the rules of these messages now (milliseconds each) rather than during the first call.

        Raises protovalidate's CompilationError where a rule in a proto is wrong.
        """
        for message in messages:
            self._validator.collect_violations(message())

    def check(self, request: Message) -> None:
        """Raise INVALID_FIELD, with a violation for each rule that ``request`` breaks."""
        violations = self._validator.collect_violations(request)
        if violations:
            raise _refusal(request, violations)


def decode(message: type[Message], raw: bytes) -> Message:
    """Parse a request; INVALID_FIELD for bytes that are no such message."""
    try:
        return message.FromString(raw)
    except DecodeError:
        violation = FieldViolation(field="", description="not a well-formed message of this type")
        detail = f"undecodable {message.DESCRIPTOR.full_name}"
        raise ServiceError(ErrorReason.INVALID_FIELD, detail=detail, fields=[violation]) from None


def _refusal(request: Message, violations: list[Violation]) -> ServiceError:
    fields = [FieldViolation(field=_path(each), description=_description(each)) for each in violations]
    names = ", ".join(field.field for field in fields)
    return ServiceError(ErrorReason.INVALID_FIELD, detail=f"{request.DESCRIPTOR.full_name}: {names}", fields=fields)


def _description(violation: Violation) -> str:
    return violation.proto.message or f"breaks the rule {violation.proto.rule_id}"


def _path(violation: Violation) -> str:
    """The path of the field as the proto names it: ``client.devices[2].name``; "" for the message as a whole."""
    path = violation.proto.field
    if path is None:
        return ""
    parts = []
    for element in path.elements:
        key = element.subscript
        if key is None:
            parts.append(element.field_name)
        else:
            text = f'"{key.value}"' if key.field == "string_key" else str(key.value)
            parts.append(f"{element.field_name}[{text}]")
    return ".".join(parts)
