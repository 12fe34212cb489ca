"""AuditService: each method parses, calls its use case, and builds the answer."""

from __future__ import annotations

import re
from typing import Any, Final

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.identity.v1 import audit_service_pb2 as pb
from hearthgate.identity.v1 import audit_service_pb2_grpc as rpc
from libs.rpc.server import Registration
from libs.runtime.errors import invalid_field
from libs.runtime.ids import parse_uuid
from services.identity.use_cases.context import Identity
from services.identity.use_cases.list_audit_events import ListedEvent, list_audit_events

AUDIT_SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["AuditService"].full_name
_PAGE: Final = 50
_TOKEN: Final = re.compile(r"[1-9]\d{0,17}", re.ASCII)

Context = grpc.aio.ServicerContext[Any, Any]


def audit_registration(identity: Identity) -> Registration:
    """The service, for operators alone."""
    return Registration(
        add=rpc.add_AuditServiceServicer_to_server,
        servicer=AuditServicer(identity),
        service_name=AUDIT_SERVICE_NAME,
        allowed_callers=frozenset({"operator"}),
    )


class AuditServicer(rpc.AuditServiceServicer):
    """The gRPC face of reading the audit log."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def ListAuditEvents(self, request: pb.ListAuditEventsRequest, context: Context) -> pb.ListAuditEventsResponse:
        events, following = await list_audit_events(
            parse_uuid(request.account_id, "account_id"),
            limit=request.page_size or _PAGE,
            before=_before(request.page_token),
            identity=self._identity,
        )
        token = str(following) if following is not None else ""
        return pb.ListAuditEventsResponse(events=[_message(each) for each in events], next_page_token=token)


def _before(page_token: str) -> int | None:
    if not page_token:
        return None
    if not _TOKEN.fullmatch(page_token):
        raise invalid_field("page_token", "must come from an earlier answer")
    return int(page_token)


def _message(listed: ListedEvent) -> pb.AuditEvent:
    event, time = listed.event, Timestamp()
    time.FromDatetime(event.time)
    return pb.AuditEvent(
        sequence=event.sequence,
        kind=event.kind,
        time=time,
        actor=event.actor,
        device_pseudonym=event.device.hex(),
        device_id=listed.device_id,
        session_pseudonym=event.session.hex(),
        session_id=listed.session_id,
        object_pseudonym=event.object.hex(),
        details=event.details,
        authentic=listed.authentic,
    )
