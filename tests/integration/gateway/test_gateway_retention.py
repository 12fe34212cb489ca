"""What is past its time goes, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.persistence.database import Database
from libs.persistence.retention import apply
from libs.runtime.clock import FakeClock
from libs.runtime.keys import SealingKeys
from libs.testing.plugin import ServiceDatabaseFactory
from services.gateway.domain.decision import DecisionRecord, Outcome, ReasonCode, Verdict
from services.gateway.domain.verification import Asker, Proof, Purpose
from services.gateway.retention import GatewayRetention
from services.gateway.storage import decisions, verifications

KEYS = SealingKeys([b"k" * 32])


@pytest.fixture
async def database(service_database: ServiceDatabaseFactory) -> AsyncIterator[Database]:
    """The gateway's database, with the rights of its app role."""
    dsns = await service_database("gateway")
    database = await Database.connect(dsns.app, application_name="test")
    yield database
    await database.close()


async def test_proofs_askers_and_decisions_go_when_their_time_is_over(database: Database, clock: FakeClock) -> None:
    policy = GatewayRetention.model_construct(decision_retention_days=30).retention_policy()
    account_id, challenge_id, proof_id, decision_id = (uuid4() for _ in range(4))
    end = clock.now() + timedelta(minutes=10)
    proof = Proof(
        proof_id=proof_id,
        purpose=Purpose.SIGN_UP,
        account_id=account_id,
        challenge_id=challenge_id,
        device_id="tv",
        expire_time=end,
    )
    await verifications.keep_proof(database, proof, b"digest")
    asker = Asker(session_id=uuid4(), client=b"client")
    await verifications.keep_asker(database, KEYS, account_id, challenge_id, asker, end)
    await decisions.insert(database, _decision(account_id, decision_id, clock))

    async def kept() -> tuple[bool, bool, bool]:
        await apply(database, clock, policy)
        return (
            await verifications.find_proof(database, proof_id) is not None,
            await verifications.find_asker(database, KEYS, account_id, challenge_id) is not None,
            await decisions.find(database, account_id, decision_id) is not None,
        )

    assert await kept() == (True, True, True)
    clock.advance(timedelta(days=2))
    assert await kept() == (False, False, True)
    clock.advance(timedelta(days=29))
    assert await kept() == (False, False, False)


def _decision(account_id: object, decision_id: object, clock: FakeClock) -> DecisionRecord:
    return DecisionRecord(
        account_id=account_id,  # type: ignore[arg-type]  # a test's shorthand
        decision_id=decision_id,  # type: ignore[arg-type]  # likewise
        request_id=uuid4(),
        kind="start",
        body_digest=b"digest",
        verdict=Verdict(outcome=Outcome.ALLOWED, reason=ReasonCode.HOUSEHOLD),
        cell="enforce",
        shadow_outcome=None,
        policy_version="1",
        facts={},
        rules=(),
        answer=None,
        decide_time=clock.now(),
    )
