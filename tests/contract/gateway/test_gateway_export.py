"""ExportAccount: everything that is held, in one archive, and no secret in it."""

from __future__ import annotations

import io
import json
import zipfile
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from hearthgate.gateway.v1 import privacy_service_pb2 as pb
from services.gateway.storage.privacy import HOLDINGS
from tests.contract.gateway.everything import Everything, live
from tests.contract.gateway.gateway_world import ELSEWHERE, Household, World, asked_by, failure
from tests.contract.gateway.searching import SERVICES
from tests.contract.holdings import unknown_tables, unlisted

EXCEPTIONS = {
    ("erasure", "account_id"): "what is being erased, and by whom; it is forgotten last of all",
    ("own_account", "own_account_id"): "the id of a move, no account's",
    ("own_account_target", "own_account_id"): "the id of a move, no account's",
}


async def test_every_column_that_names_an_account_is_in_the_list_of_what_the_gateway_holds(world: World) -> None:
    assert await unlisted(world.databases["gateway"], HOLDINGS, EXCEPTIONS) == set()
    assert await unknown_tables(world.databases["gateway"], HOLDINGS) == set()


async def test_an_owner_gets_everything_in_one_archive_that_proves_itself(world: World) -> None:
    everything = await live(world)
    archive = await _exported(everything.home)
    assert archive.testzip() is None
    names = set(archive.namelist())
    assert {"README.txt", "manifest.json"} <= names
    assert {name.partition("/")[0] for name in names if "/" in name} == set(SERVICES)
    manifest = json.loads(archive.read("manifest.json"))
    assert {each["path"] for each in manifest["files"]} == names - {"README.txt", "manifest.json"}
    for file in manifest["files"]:
        data = archive.read(file["path"])
        assert (file["sha256"], file["bytes"]) == (sha256(data).hexdigest(), len(data))
        assert file["records"] == data.count(b"\n") > 0
    assert all(each["reason"] for each in manifest["not_included"])
    _check_content(archive, everything)


async def test_an_archive_holds_no_secret_and_nothing_of_other_people(world: World) -> None:
    everything = await live(world)
    archive = await _exported(everything.home)
    content = b"\n".join(archive.read(name) for name in archive.namelist())
    home, leaver = everything.home, everything.leaver
    assert home.owner.email.encode() in content, "what is there is found"
    secrets = {
        "password": [home.owner.password],
        "code": everything.codes,
        "token": [each.rpartition(".")[2] for each in everything.tokens],
        "who left": [leaver.account_id, leaver.owner.email],
        "address": [each.ip_address for each in everything.devices],
    }
    assert b'"sealed_' not in content, "nor what is sealed"
    hashes = [value for name, values in everything.traces.items() if "hash" in name for value in values]
    kept = await world.databases["identity"].fetch_value(
        "select password_hash from credential where account_id = $1", UUID(home.account_id)
    )
    secrets["password hash"] = [kept]
    for name, values in secrets.items():
        assert [each for each in values if each.encode() in content] == [], name
    assert [each for each in hashes if each.hex().encode() in content] == []


async def test_an_operator_may_export_any_account_and_nobody_else(home: Household, world: World) -> None:
    request = pb.ExportAccountAsOperatorRequest(account_id=home.account_id)
    pieces = [each.data async for each in world.privacy_as_operator.ExportAccountAsOperator(request)]
    assert all(len(each) <= 64 * 1024 for each in pieces)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert _lines(archive, "identity/account")[0]["account_id"] == home.account_id
    refused = await failure(world.privacy.ExportAccountAsOperator(request).read())
    assert refused.reason == "CALLER_NOT_ALLOWED"
    unknown = pb.ExportAccountAsOperatorRequest(account_id=str(uuid4()))
    assert (await failure(world.privacy_as_operator.ExportAccountAsOperator(unknown).read())).reason == "NOT_FOUND"


async def test_only_a_household_device_with_the_password_gets_an_archive(home: Household, world: World) -> None:
    friend = await home.signed_in("Friend's TV", ELSEWHERE)
    attempts = {
        "wrong password": (home.tv, "not-the-password-at-all", "CREDENTIALS_REJECTED"),
        "a friend": (friend, home.owner.password, "DEVICE_NOT_TRUSTED"),
    }
    for name, (device, password, reason) in attempts.items():
        request = pb.ExportAccountRequest(**asked_by(device), password=password)
        assert (await failure(world.privacy.ExportAccount(request).read())).reason == reason, name


async def test_an_archive_that_broke_off_says_so(home: Household, world: World) -> None:
    await world.stop("download_planning")
    request = pb.ExportAccountRequest(**asked_by(home.tv), password=home.owner.password)
    call = world.privacy.ExportAccount(request)

    async def read_all() -> None:
        async for _ in call:
            pass

    assert (await failure(read_all())).reason == "DEPENDENCY_UNAVAILABLE"


def _check_content(archive: zipfile.ZipFile, everything: Everything) -> None:
    home = everything.home
    contacts = {each["channel"]: each["destination"] for each in _lines(archive, "identity/contacts")}
    assert contacts == {"EMAIL": home.owner.email, "TEXT": home.owner.phone}
    profiles = {each["name"]: each for each in _lines(archive, "identity/profiles")}
    assert (profiles["Ada"]["has_left"], profiles["Ben"]["has_left"]) == (False, True)
    known = {each["device_id"] for each in _lines(archive, "device_trust/devices")}
    assert {each.device_id for each in everything.devices} <= known
    purposes = {each["purpose"] for each in _lines(archive, "challenge/codes_and_questions")}
    assert {"confirm_household", "password_reset", "sign_up"} <= purposes
    assert {each["channel"] for each in _lines(archive, "challenge/messages")} == {"email", "text"}
    assert "harbour.s1e1" in {each["title_id"] for each in _lines(archive, "download_planning/viewing")}
    reasons = {each["reason"]: each["reason_text"] for each in _lines(archive, "gateway/decisions")}
    assert {"HOUSEHOLD", "DEVICE_UNCONFIRMED", "GUEST"} <= reasons.keys()
    assert all(reasons.values()), "in words"
    assert _lines(archive, "gateway/streams")


async def _exported(home: Household) -> zipfile.ZipFile:
    request = pb.ExportAccountRequest(**asked_by(home.tv), password=home.owner.password)
    pieces = [each.data async for each in home.world.privacy.ExportAccount(request)]
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def _lines(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]
