"""What erasing an account or purging a sign-up costs: in five services, each statement finds its rows by an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from libs.persistence.privacy import Holding, Subject
from services.challenge.storage import privacy as challenge
from services.challenge.storage import privacy_sql as challenge_sql
from services.device_trust.storage import privacy as device_trust
from services.download_planning.storage import privacy as download_planning
from services.gateway.storage import privacy as gateway
from services.gateway.storage import privacy_sql as gateway_sql
from services.identity.storage import destination_sql, erasure_sql, member_sql
from services.identity.storage import privacy as identity
from services.identity.storage import privacy_sql as identity_sql
from tests.contract.gateway.gateway_world import World
from tests.contract.gateway.searching import SERVICES
from tests.contract.scans import read_whole, unindexed_references

_SUBJECT: Final = Subject(account_id=uuid4(), contact_hashes=(b"1" * 32,), other_hashes=(b"2" * 32,))
_ROWS: Final = 1_000


def _held(world: World) -> dict[str, Sequence[Holding]]:
    return {
        "identity": identity.holdings(world.identity.keys, _SUBJECT.account_id),
        "device_trust": device_trust.holdings(lambda _: {}),
        "challenge": challenge.HOLDINGS,
        "download_planning": download_planning.HOLDINGS,
        "gateway": gateway.HOLDINGS,
    }


def _statements(world: World) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Each with its service and arguments."""
    account_id, now = _SUBJECT.account_id, world.clock.now()
    found: list[tuple[str, str, tuple[Any, ...]]] = [
        (service, each.erase, (each.subject(_SUBJECT), _ROWS))
        for service, holdings in _held(world).items()
        for each in holdings
    ]
    return [
        *found,
        ("identity", identity_sql.OLD_SIGN_UPS, (now, _ROWS)),
        ("identity", member_sql.LIST_OLD_PLACES, (now, _ROWS)),
        ("identity", erasure_sql.LOCK_STANDING, (account_id,)),
        ("identity", destination_sql.LIST_CHANGED, (account_id,)),
        ("identity", destination_sql.LIST_INVITED, (account_id,)),
        ("challenge", challenge_sql.LIST_CODE_DESTINATIONS, (account_id,)),
        ("gateway", gateway_sql.DUE_ERASURES, (now, _ROWS)),
    ]


async def test_no_statement_of_an_erasure_or_a_purge_reads_a_table_from_end_to_end(world: World) -> None:
    whole = {}
    for service, statement, args in _statements(world):
        async with world.databases[service].transaction() as transaction:
            await transaction.execute("set local enable_seqscan = off")
            if read := await read_whole(transaction, statement, *args):
                whole[statement.split(":")[0]] = read
    assert whole == {}


async def test_no_deletion_looks_through_a_table_for_what_refers_to_it(world: World) -> None:
    """To the catalogue of plans refers every account, and no plan is ever deleted."""
    found = {service: await unindexed_references(world.databases[service]) for service in SERVICES}
    assert {service: each for service, each in found.items() if each} == {"identity": {"account.account_plan_id_fkey"}}


async def test_a_statement_without_its_index_is_noticed(world: World) -> None:
    """The negative control: other tables' columns of the same sort, by which nothing is looked for."""
    cases = {
        "select account_id from own_account where challenge_id = $1": {"own_account"},
        "select account_id, own_account_id from own_account where challenge_id = $1 order by 1, 2": {"own_account"},
    }
    for statement, expected in cases.items():
        async with world.databases["gateway"].transaction() as transaction:
            await transaction.execute("set local enable_seqscan = off")
            assert await read_whole(transaction, statement, uuid4()) == expected
