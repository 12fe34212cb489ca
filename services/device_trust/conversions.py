"""The contract's messages and the domain's records, one into the other. Here an address becomes a network hash."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from hearthgate.common.v1 import client_context_pb2, standing_pb2
from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from libs.runtime.errors import invalid_field
from libs.runtime.ids import parse_uuid
from services.device_trust.domain.allowances import Allowances
from services.device_trust.domain.assessment import Assessment
from services.device_trust.domain.networks import Network, NetworkHasher
from services.device_trust.domain.profiles import profile_digest
from services.device_trust.domain.records import (
    Client,
    ConfirmationBasis,
    Device,
    RevocationReason,
    Sighting,
    Standing,
)
from services.device_trust.domain.residences import ResidenceSummary
from services.device_trust.domain.scoring import Factor, Scores

_KEY_DIGEST_BYTES: Final = 8


def client_from(
    message: client_context_pb2.ClientContext, hasher: NetworkHasher, field: str = "client", profile_id: str = ""
) -> Client:
    """The client as it is seen; its address goes no further than this. ``field`` is the message's path."""
    device = message.device
    network = _network(message.ip_address, hasher, f"{field}.ip_address")
    return Client(
        device_id=device.id,
        kind=client_context_pb2.DeviceKind.Name(device.kind).removeprefix("DEVICE_KIND_"),
        name=device.name,
        platform=client_context_pb2.Platform.Name(device.platform).removeprefix("PLATFORM_"),
        network=network.narrow,
        wide=network.wide,
        v6=network.v6,
        country=message.country_code or None,
        asn=message.asn or None,
        profile=profile_digest(profile_id),
        key=sha256(device.public_key).digest()[:_KEY_DIGEST_BYTES] if device.public_key else b"",
    )


def sighting_from(message: pb.Sighting, hasher: NetworkHasher, index: int) -> Sighting:
    """The sighting at an index of its request."""
    field = f"sightings[{index}]"
    return Sighting(
        sighting_id=sighting_id_from(message, index),
        account_id=parse_uuid(message.account_id, f"{field}.account_id"),
        event_time=time_from(message.event_time, f"{field}.event_time"),
        client=client_from(message.client, hasher, f"{field}.client", message.profile_id),
        start=message.kind == pb.SIGHTING_KIND_START,
    )


def sighting_id_from(message: pb.Sighting, index: int) -> UUID:
    """The id of the sighting at an index of its request."""
    return parse_uuid(message.sighting_id, f"sightings[{index}].sighting_id")


def time_from(message: Timestamp, field: str) -> datetime:
    """The moment, aware and in UTC. Raises INVALID_FIELD for one outside the years 1 to 9999."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise invalid_field(field, "is no valid timestamp") from None


def account_from(text: str) -> UUID:
    """The account that a request names."""
    return parse_uuid(text, "account_id")


def basis_from(value: pb.ConfirmationBasis.ValueType) -> ConfirmationBasis:
    """The proof on which a device is let in."""
    return ConfirmationBasis(pb.ConfirmationBasis.Name(value).removeprefix("CONFIRMATION_BASIS_"))


def reason_from(value: pb.RevocationReason.ValueType) -> RevocationReason:
    """Why a device is shut out."""
    return RevocationReason(pb.RevocationReason.Name(value).removeprefix("REVOCATION_REASON_"))


def assessment_to(assessment: Assessment) -> pb.Assessment:
    """The assessment as a message."""
    message = pb.Assessment(
        standing=_standing_to(assessment.verdict.standing),
        can_defer=assessment.can_defer,
        can_use_code=assessment.can_use_code,
        scores=_scores_to(assessment.scoring.scores),
        factors=[_factor_to(factor) for factor in assessment.scoring.factors],
        allowances=allowances_to(assessment.allowances),
        known_device=assessment.known_device,
        policy_version=assessment.policy_version,
    )
    if assessment.verdict.expire_time is not None:
        message.expire_time.FromDatetime(assessment.verdict.expire_time)
    return message


def allowances_to(allowances: Allowances) -> standing_pb2.Allowances:
    """What is left, as a message."""
    return standing_pb2.Allowances(
        deferrals_left=allowances.deferrals_left,
        guest_leases_left=allowances.guest_leases_left,
        travel_days_left=allowances.travel_days_left,
    )


def device_to(device: Device, standing: Standing) -> pb.DeviceSummary:
    """A device with its standing, as its owner sees it."""
    message = pb.DeviceSummary(
        device_id=device.device_id,
        kind=client_context_pb2.DeviceKind.Value(f"DEVICE_KIND_{device.kind}"),
        name=device.name,
        platform=client_context_pb2.Platform.Value(f"PLATFORM_{device.platform}"),
        standing=_standing_to(standing),
        country_code=device.last_country or "",
    )
    message.first_seen_time.FromDatetime(device.first_seen_time)
    message.last_seen_time.FromDatetime(device.last_seen_time)
    return message


def residence_to(residence: ResidenceSummary) -> pb.Residence:
    """A residence with the number of devices seen there lately, as a message."""
    message = pb.Residence(
        residence_id=str(residence.residence_id),
        name=residence.name,
        country_code=residence.country or "",
        declared=residence.declared,
        device_count=residence.device_count,
    )
    message.last_seen_time.FromDatetime(residence.last_seen_time)
    return message


def _network(address: str, hasher: NetworkHasher, field: str) -> Network:
    try:
        return hasher.look(address)
    except ValueError:
        raise invalid_field(field, "is no IP address") from None


def _standing_to(standing: Standing) -> standing_pb2.Standing.ValueType:
    return standing_pb2.Standing.Value(f"STANDING_{standing}")


def _scores_to(scores: Scores) -> pb.Scores:
    return pb.Scores(household=scores.household, outsider=scores.outsider, thief=scores.thief)


@lru_cache(maxsize=1_024)
def _factor_to(factor: Factor) -> pb.Factor:
    """A factor as a message. There are few, each is sent often, and a repeated field takes a copy."""
    return pb.Factor(name=factor.name, weight=factor.weight, description=factor.description)
