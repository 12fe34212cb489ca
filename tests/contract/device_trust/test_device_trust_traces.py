"""What is kept of people: no address, and nothing once their account's rows are deleted."""

from __future__ import annotations

from ipaddress import ip_address

from hearthgate.devicetrust.v1 import device_trust_service_pb2 as pb
from services.device_trust.domain.networks import NetworkHasher
from services.device_trust.use_cases.count_crowds import count_crowds
from tests.contract.device_trust.device_trust_world import (
    DAY,
    FRIEND,
    HOME,
    HOTEL,
    World,
    client,
    everything,
    phone,
    timestamp,
)

ADDRESSES = [HOME, FRIEND, HOTEL, "2001:db8:aa:bb00::1", "2001:db8:aa:bbcc:1:2:3:4"]
ACCOUNT_ID = "select table_name from information_schema.columns where column_name = 'account_id'"


async def use_everything(world: World, *addresses: str, person: str = "a-person") -> None:
    """Leave something in every table that is written."""
    await world.create_account(f"founder-of-{person}")
    for address in addresses:
        await world.days(phone(f"phone-of-{person}", address), range(5))
    await world.confirm(client(f"guest-of-{person}", FRIEND, asn=64510), pb.CONFIRMATION_BASIS_HOUSEHOLD_CODE)
    await world.defer(client(f"other-of-{person}", "198.51.7.1", asn=64520))
    travel = pb.DeclareTravelRequest(
        request_id=str(world.ids.new()),
        account_id=str(world.account),
        country_code="BR",
        start_time=timestamp(world.clock.now()),
        end_time=timestamp(world.clock.now() + DAY),
    )
    await world.say("DeclareTravel", travel)


async def test_no_address_and_no_prefix_of_one_is_kept_in_any_table(world: World) -> None:
    await use_everything(world, *ADDRESSES)
    await use_everything(world.another_account(), *ADDRESSES)
    await count_crowds(world.context)
    tables = await everything(world)
    assert {name for name, rows in tables.items() if rows} >= {"history", "network_seen", "crowd", "device"}
    text = "\n".join(line for rows in tables.values() for line in rows)
    assert not any(part in text for part in (*ADDRESSES, "203.0.113", "198.51.100", "2001:db8"))
    for address in ADDRESSES:
        packed = ip_address(address).packed
        # Whole, and the prefix of which the hash is made, as bytes are written in hexadecimal.
        assert packed.hex() not in text
        assert packed[: 3 if len(packed) == 4 else 7].hex() not in "\n".join(
            line for name in ("history", "network_seen", "crowd", "residence") for line in hashes(tables[name])
        )


def hashes(rows: list[str]) -> list[str]:
    """The bytes in rows, without what stands beside them."""
    return [part.split('"')[0].split(",")[0] for row in rows for part in row.split("\\x")[1:]]


async def test_a_presence_by_sighting_is_not_kept(world: World) -> None:
    await use_everything(world, HOME)
    assert not (await everything(world))["presence"]


async def test_every_table_but_the_counts_and_the_tombstones_is_keyed_by_account(world: World) -> None:
    tables = set(await everything(world)) - {"schema_migrations"}
    keyed = {row["table_name"] for row in await world.context.database.fetch(ACCOUNT_ID)}
    assert tables - keyed == {"crowd", "erased_account"}


async def test_deleting_an_account_s_rows_leaves_no_trace_of_it(world: World) -> None:
    other = world.another_account()
    await use_everything(other, HOME)
    await use_everything(world, HOME, "192.0.2.200", "2001:db8:aa:bb00::1", person="somebody-gone")
    assert "somebody-gone" in str(await everything(world))
    await count_crowds(world.context)
    for row in await world.context.database.fetch(ACCOUNT_ID):
        await world.context.database.execute(
            f"delete from {row['table_name']} where account_id = $1",  # noqa: S608
            world.account,
        )
    world.clock.advance(DAY)
    await count_crowds(world.context)
    text = "\n".join(line for rows in (await everything(world)).values() for line in rows)
    assert str(world.account) not in text
    assert "somebody-gone" not in text
    # The history is bytes, written in hexadecimal.
    assert b"somebody-gone".hex() not in text
    hasher = NetworkHasher(b"n" * 32)
    for address in ("192.0.2.200", "2001:db8:aa:bb00::1"):
        network = hasher.look(address)
        assert network.narrow.hex() not in text
    # The network that both were on is counted for the other one alone, which makes no crowd.
    assert not await world.context.database.fetch("select 1 from crowd where kind = 'NETWORK'")
    assert str(other.account) in text
    assert (await world.household()).residences == []
    assert not await world.devices()
