"""From the gateway's records to its messages."""

from __future__ import annotations

from collections.abc import Iterable

from hearthgate.common.v1 import client_context_pb2 as context_pb
from hearthgate.common.v1 import standing_pb2, video_quality_pb2
from hearthgate.gateway.v1 import account_service_pb2 as account_pb
from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from hearthgate.gateway.v1 import playback_service_pb2 as playback_pb
from hearthgate.gateway.v1 import verification_service_pb2 as verification_pb
from services.gateway.clients.conversions import timestamp, to_enum
from services.gateway.domain.decision import (
    DecisionRecord,
    ReasonCode,
    RemedyCode,
    StartAnswer,
    StartedStream,
    Verdict,
    VerificationOffer,
)
from services.gateway.domain.lease import ActiveStream
from services.gateway.domain.records import Allowances, Channel, Credentials, Profile, Quality, Standing
from services.gateway.domain.texts import REASON_TEXTS, REMEDY_TEXTS
from services.gateway.domain.verification import Challenge, ChallengeState, CodeResult, Purpose, Requester
from services.gateway.grants import Grants
from services.gateway.languages import Say
from services.gateway.use_cases.renew_stream import RenewAnswer
from services.gateway.use_cases.sign_in import SignInAnswer

# A code that was redeemed and a yes that was said are one to the device that waits.
_VERIFICATION_STATES = {
    ChallengeState.PENDING: verification_pb.VERIFICATION_STATE_PENDING,
    ChallengeState.VERIFIED: verification_pb.VERIFICATION_STATE_VERIFIED,
    ChallengeState.APPROVED: verification_pb.VERIFICATION_STATE_VERIFIED,
    ChallengeState.REJECTED: verification_pb.VERIFICATION_STATE_REJECTED,
    ChallengeState.EXPIRED: verification_pb.VERIFICATION_STATE_EXPIRED,
    ChallengeState.EXHAUSTED: verification_pb.VERIFICATION_STATE_EXHAUSTED,
    ChallengeState.SUPERSEDED: verification_pb.VERIFICATION_STATE_SUPERSEDED,
}


def outcome(verdict: Verdict) -> decision_pb.Outcome.ValueType:
    """A verdict's outcome."""
    number: decision_pb.Outcome.ValueType = to_enum(decision_pb.Outcome, "OUTCOME_", verdict.outcome)
    return number


def reasons(verdict: Verdict, say: Say) -> list[decision_pb.Reason]:
    """A verdict's reasons, the deciding one first."""
    return [decision_pb.Reason(code=reason_code(verdict.reason), text=say(REASON_TEXTS[verdict.reason]))]


def reason_code(code: ReasonCode) -> decision_pb.ReasonCode.ValueType:
    """A reason by its number."""
    number: decision_pb.ReasonCode.ValueType = to_enum(decision_pb.ReasonCode, "REASON_CODE_", code)
    return number


def remedies(codes: Iterable[RemedyCode], say: Say) -> list[decision_pb.Remedy]:
    """Remedies, best first."""
    return [
        decision_pb.Remedy(code=to_enum(decision_pb.RemedyCode, "REMEDY_CODE_", code), text=say(REMEDY_TEXTS[code]))
        for code in codes
    ]


def stream(started: StartedStream | None) -> decision_pb.Stream | None:
    """A stream that may run."""
    if started is None:
        return None
    return decision_pb.Stream(
        stream_id=str(started.stream_id),
        lease_expire_time=timestamp(started.lease_expire_time),
        renew_time=timestamp(started.renew_time),
        fencing_token=started.fencing_token,
        max_quality=_quality(started.max_quality),
    )


def _quality(value: Quality | None) -> video_quality_pb2.VideoQuality.ValueType:
    if value is None:
        return video_quality_pb2.VIDEO_QUALITY_UNSPECIFIED
    number: video_quality_pb2.VideoQuality.ValueType = to_enum(video_quality_pb2.VideoQuality, "VIDEO_QUALITY_", value)
    return number


def active_stream(active: ActiveStream) -> decision_pb.ActiveStream:
    """A stream that holds a slot."""
    return decision_pb.ActiveStream(
        stream_id=str(active.stream_id),
        device_id=active.device_id,
        device_name=active.device_name,
        profile_id=str(active.profile_id),
        title_id=active.title_id,
        start_time=timestamp(active.start_time),
    )


def allowances(left: Allowances) -> standing_pb2.Allowances:
    """What an account has left."""
    return standing_pb2.Allowances(
        deferrals_left=left.deferrals_left,
        guest_leases_left=left.guest_leases_left,
        travel_days_left=left.travel_days_left,
    )


def verification(offer: VerificationOffer | None) -> decision_pb.Verification | None:
    """How a device can verify."""
    if offer is None:
        return None
    options = [
        decision_pb.VerificationOption(
            channel=channel(option.channel),
            masked_destination=option.masked_destination,
            contact_id=str(option.contact_id or ""),
        )
        for option in offer.options
    ]
    return decision_pb.Verification(
        options=options,
        can_defer=offer.can_defer,
        deadline=timestamp(offer.deadline),
        verification_id=str(offer.verification_id) if offer.verification_id else "",
    )


def start_response(answer: StartAnswer, grants: Grants, say: Say) -> playback_pb.StartStreamResponse:
    """The answer to a start, its grant signed anew."""
    verdict = answer.verdict
    return playback_pb.StartStreamResponse(
        decision_id=str(answer.decision_id),
        outcome=outcome(verdict),
        reasons=reasons(verdict, say),
        remedies=remedies(verdict.remedies, say),
        stream=stream(answer.stream),
        grant=grants.sign(answer.grant_claims) if answer.grant_claims else "",
        verification=verification(answer.verification),
        allowances=allowances(answer.allowances),
        allowed_until_time=timestamp(verdict.until),
        streams_in_the_way=[active_stream(each) for each in answer.streams_in_the_way],
    )


def renew_response(answer: RenewAnswer, grants: Grants, say: Say) -> playback_pb.RenewStreamResponse:
    """The answer to a renewal."""
    return playback_pb.RenewStreamResponse(
        outcome=outcome(answer.verdict),
        reasons=reasons(answer.verdict, say),
        remedies=remedies(answer.verdict.remedies, say),
        stream=stream(answer.stream),
        grant=grants.sign(answer.grant_claims) if answer.grant_claims else "",
    )


def explanation(record: DecisionRecord) -> playback_pb.ExplainDecisionResponse:
    """A decision with all that led to it."""
    rules = [
        playback_pb.RuleTrace(rule=trace.rule, decided=trace.decided, finding=trace.finding) for trace in record.rules
    ]
    return playback_pb.ExplainDecisionResponse(
        decision_id=str(record.decision_id),
        outcome=outcome(record.verdict),
        reason=reason_code(record.verdict.reason),
        decide_time=timestamp(record.decide_time),
        rules=rules,
        facts=record.facts,
        policy_version=record.policy_version,
        cell=record.cell,
    )


def credentials(secrets: Credentials | None) -> account_pb.SessionCredentials | None:
    """A session's secrets."""
    if secrets is None:
        return None
    return account_pb.SessionCredentials(
        session_token=secrets.session_token,
        session_expire_time=timestamp(secrets.session_expire_time),
        refresh_token=secrets.refresh_token,
        refresh_expire_time=timestamp(secrets.refresh_expire_time),
    )


def profile(viewer: Profile) -> account_pb.Profile:
    """A viewer."""
    return account_pb.Profile(
        profile_id=str(viewer.profile_id),
        name=viewer.name,
        maturity_age=viewer.maturity_age,
        primary=viewer.primary,
        kids=viewer.kids,
        pin_locked=viewer.pin_locked,
    )


def sign_in_response(answer: SignInAnswer, say: Say) -> account_pb.SignInResponse:
    """The answer to a sign-in."""
    return account_pb.SignInResponse(
        decision_id=str(answer.decision_id),
        outcome=outcome(answer.verdict),
        reasons=reasons(answer.verdict, say),
        remedies=remedies(answer.verdict.remedies, say),
        account_id=str(answer.account_id) if answer.account_id else "",
        credentials=credentials(answer.credentials),
        profiles=[profile(each) for each in answer.profiles],
        verification=verification(answer.verification),
    )


def verification_status(challenge: Challenge) -> verification_pb.VerificationStatus:
    """A verification as devices are told of it."""
    return verification_pb.VerificationStatus(
        verification_id=str(challenge.challenge_id),
        state=_VERIFICATION_STATES[challenge.state],
        channel=channel(challenge.channel),
        masked_destination=challenge.masked_destination,
        attempts_left=challenge.attempts_left,
        create_time=timestamp(challenge.create_time),
        expire_time=timestamp(challenge.expire_time),
        match_number=challenge.match_number,
        device=_requester_device(challenge.requester),
        country_code=challenge.requester.country_code,
        suspected_theft=challenge.purpose is Purpose.CONFIRM_OWNER,
        other_channel_advised=challenge.other_channel_advised,
    )


def code_result(result: CodeResult) -> verification_pb.CodeResult.ValueType:
    """What became of a code, by its number."""
    number: verification_pb.CodeResult.ValueType = to_enum(verification_pb.CodeResult, "CODE_RESULT_", result)
    return number


def standing(value: Standing) -> standing_pb2.Standing.ValueType:
    """A standing by its number."""
    number: standing_pb2.Standing.ValueType = to_enum(standing_pb2.Standing, "STANDING_", value)
    return number


def channel(value: Channel) -> standing_pb2.Channel.ValueType:
    """A channel by its number."""
    number: standing_pb2.Channel.ValueType = to_enum(standing_pb2.Channel, "CHANNEL_", value)
    return number


def _requester_device(requester: Requester) -> context_pb.Device:
    return device(requester.device_id, requester.device_kind, requester.device_name, requester.platform)


def device(device_id: str, kind: int, name: str, platform: int) -> context_pb.Device:
    """A device; kind and platform are the contract's numbers."""
    message = context_pb.Device(id=device_id, name=name)
    message.kind = kind  # type: ignore[assignment]  # a number that came in as this enum's
    message.platform = platform  # type: ignore[assignment]  # likewise
    return message
