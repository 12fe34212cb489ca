"""What may stand in an export, and what a list of holdings has to say."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.persistence.privacy import Holding, account_hash, erase_rows, to_json

_VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=3)


@given(st.dictionaries(st.text(), _VALUES))
def test_a_document_is_one_line_of_json(document: dict[str, object]) -> None:
    line = to_json(document)
    assert "\n" not in line
    assert json.loads(line) == document


def test_times_are_told_in_utc_and_ids_as_text() -> None:
    moment = datetime(2030, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    told = json.loads(to_json({"at": moment, "day": date(2030, 1, 1), "id": UUID(int=1), "for": timedelta(minutes=1)}))
    assert told == {
        "at": "2030-01-01T00:00:00Z",
        "day": "2030-01-01",
        "id": "00000000-0000-0000-0000-000000000001",
        "for": 60.0,
    }
    assert datetime.fromisoformat(told["at"]) == moment.astimezone(UTC)


def test_bytes_never_get_into_an_export() -> None:
    with pytest.raises(TypeError, match="bytes does not belong in an export"):
        to_json({"password_hash": b"secret"})


@pytest.mark.parametrize(
    "fields",
    [{}, {"export": "select 1", "withheld": "A reason."}, {"export": "select 1", "keys": ("n",)}],
    ids=["neither told nor withheld", "both", "pages that begin nowhere"],
)
def test_a_kind_is_either_told_page_by_page_or_withheld_for_a_reason(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="withheld for a reason"):
        Holding(kind="things", table="thing", erase="delete", **fields)  # type: ignore[arg-type]  # wrong on purpose


def test_a_deletion_names_itself_and_its_account_on_both_relations() -> None:
    statement = erase_rows("identity", "session", "account_id, session_id")
    assert statement.startswith("/* identity.erase_session: ")
    assert statement.count("account_id = $1") == 2
    assert "limit $2" in statement


def test_a_tombstone_tells_accounts_apart_and_is_none_of_their_ids() -> None:
    one, other = uuid4(), uuid4()
    assert account_hash(one) == account_hash(UUID(str(one))) != account_hash(other)
    assert one.bytes not in account_hash(one)
