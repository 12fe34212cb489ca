"""How `hearthgate up` ends, what it keeps, what it leaves behind, and what it takes from the environment."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import asyncpg
import grpc
import pytest

from hearthgate.gateway.v1 import decision_pb2 as decision_pb
from libs.devstack.device import Device
from libs.testing.postgres import EmbeddedPostgres
from libs.testing.smtp import SmtpInbox
from tests.e2e.household import ADA, sign_up, television
from tests.e2e.running import SERVICES, Hearthgate, passable_folder, processes_of, up


def gateway_of(run: Hearthgate) -> str:
    """Where the gateway is, once it is ready."""
    return str(run.ready()["services"]["gateway"]["address"])


async def sign_in(tv: Device) -> int:
    """The outcome of a sign-in with Ada's password."""
    return (await tv.sign_in(ADA)).outcome


async def test_ctrl_c_ends_everything_a_restart_finds_every_account_and_a_fresh_start_none(data: Path) -> None:
    async with SmtpInbox() as inbox:
        variables = {"HEARTHGATE_SMTP_URL": inbox.url}
        with up(data, variables=variables) as run:
            signed_in = await sign_up(gateway_of(run), inbox)
            assert run.end(signal.SIGINT) == 0
            run.wait_until_nothing_is_left()
        with up(data, variables=variables) as run:
            async with television(gateway_of(run), signed_in) as tv:
                assert (await tv.play("film-lighthouse")).outcome == decision_pb.OUTCOME_ALLOWED, "the session is kept"
                assert await sign_in(tv) == decision_pb.OUTCOME_ALLOWED
            assert run.end(signal.SIGTERM) == 0
            run.wait_until_nothing_is_left()
        with up(data, "--fresh", variables=variables) as run:
            async with television(gateway_of(run)) as tv:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await sign_in(tv)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_kill_of_up_itself_leaves_no_process_behind(data: Path) -> None:
    with up(data) as run:
        run.ready()
        assert len(processes_of(data)) > len(SERVICES), "up and PostgreSQL are seen as well"
        assert run.end(signal.SIGKILL) == -signal.SIGKILL
        run.wait_until_nothing_is_left()


def test_ctrl_c_during_the_start_undoes_it(data: Path) -> None:
    with up(data) as run:
        run.wait_for_process("-D")
        assert run.end(signal.SIGINT) == 0
        run.wait_until_nothing_is_left()
        assert run.stdout == ""


def test_a_bad_setting_of_one_service_ends_the_start_and_is_named_without_its_value(data: Path) -> None:
    with up(data, variables={"HEARTHGATE_SMTP_URL": "nonsense-with-a-password"}) as run:
        assert run.exit_code() == 1
        assert "challenge" in run.stderr
        assert "HEARTHGATE_SMTP_URL" in run.stderr
        assert "nonsense" not in run.stderr
        assert run.stdout == ""
        run.wait_until_nothing_is_left()


def test_a_folder_with_other_things_is_refused_untouched(data: Path) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("ten years of work")
    with up(data, "--fresh") as run:
        assert run.exit_code() == 1
        assert "holds other things" in run.stderr
    assert [each.name for each in data.iterdir()] == ["thesis.txt"]


async def test_the_database_of_the_environment_takes_the_place_of_the_embedded_one(data: Path) -> None:
    with passable_folder() as elsewhere:
        async with EmbeddedPostgres(elsewhere, durable=False) as postgres:
            variables = {"HEARTHGATE_DATABASE_URL": postgres.admin_dsn}
            with up(data, variables=variables) as run:
                run.ready()
                assert run.end() == 0
                assert postgres.admin_dsn not in run.stdout + run.stderr
            assert await _databases(postgres) >= {f"hearthgate_{service}" for service in SERVICES}
            assert not (data / "postgresql").exists()
            kept = json.loads((data / "secrets.json").read_text())
            with up(data, "--fresh", variables=variables) as run:
                assert run.exit_code() == 1
                assert "HEARTHGATE_DATABASE_URL" in run.stderr, "what is not ours is not emptied"
            assert json.loads((data / "secrets.json").read_text()) == kept


async def _databases(postgres: EmbeddedPostgres) -> set[str]:
    connection = await asyncpg.connect(postgres.admin_dsn)
    try:
        return {each["datname"] for each in await connection.fetch("select datname from pg_database")}
    finally:
        await connection.close()
