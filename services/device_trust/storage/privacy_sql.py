"""What device_trust holds about an account: the statements that export it, and those that delete it.

Networks are keyed hashes, which mean nothing to a person: what is told of a network is its country and provider.
"""

from __future__ import annotations

from typing import Final

from libs.persistence.privacy import erase_rows

EXPORT_HOUSEHOLD: Final = """/* device_trust.export_household: since when an account is known here */
select created_time as known_since from household where account_id = $1 limit $2
"""

EXPORT_DEVICES: Final = """/* device_trust.export_devices: a page of an account's devices */
select device_id, kind, name, platform, first_seen_time, last_seen_time, last_network, last_country,
  member_since, last_home_time, cleared_time, guest_until, deferral_deadline, revoked_time, revocation_reason
from device where account_id = $1 and device_id > $3 order by device_id limit $2
"""

EXPORT_RESIDENCES: Final = """/* device_trust.export_residences: a page of the places where a household lives */
select residence_id, name, country_code, declared, last_seen_time
from residence where account_id = $1 and residence_id > $3 order by residence_id limit $2
"""

EXPORT_HISTORY: Final = """/* device_trust.export_history: what an account's standings are judged by */
select data from history where account_id = $1 limit $2
"""

EXPORT_PRESENCE: Final = """/* device_trust.export_presence: a page of days on networks, as kept earlier */
select device_id, day, network_hash, country_code, asn as provider_number, sighting_count
from presence where account_id = $1 and (device_id, day, network_hash) > ($3, $4, $5)
order by device_id, day, network_hash limit $2
"""

EXPORT_SIGHTINGS: Final = """/* device_trust.export_sightings: a page of when something was seen lately */
select sighting_id, event_time
from sighting_seen where account_id = $1 and sighting_id > $3 order by sighting_id limit $2
"""

EXPORT_ALLOWANCE_USES: Final = """/* device_trust.export_allowance_uses: a page of guest leases and deferrals */
select request_id as use_id, kind, device_id, used_time
from allowance_use where account_id = $1 and request_id > $3 order by request_id limit $2
"""

EXPORT_TRAVELS: Final = """/* device_trust.export_travels: a page of declared travels */
select request_id as travel_id, country_code, start_time, end_time
from travel where account_id = $1 and request_id > $3 order by request_id limit $2
"""

EXPORT_NETWORKS_SEEN: Final = """/* device_trust.export_networks_seen: a page of networks it was on lately */
select network_hash, asn as provider_number, last_day
from network_seen where account_id = $1 and network_hash > $3 order by network_hash limit $2
"""

ERASE_DEVICES: Final = erase_rows("device_trust", "device", "account_id, device_id")
ERASE_RESIDENCES: Final = erase_rows("device_trust", "residence", "account_id, residence_id")
ERASE_HISTORY: Final = erase_rows("device_trust", "history", "account_id")
ERASE_PRESENCE: Final = erase_rows("device_trust", "presence", "account_id, device_id, day, network_hash")
ERASE_SIGHTINGS: Final = erase_rows("device_trust", "sighting_seen", "account_id, sighting_id")
ERASE_ALLOWANCE_USES: Final = erase_rows("device_trust", "allowance_use", "account_id, request_id")
ERASE_TRAVELS: Final = erase_rows("device_trust", "travel", "account_id, request_id")
ERASE_NETWORKS_SEEN: Final = erase_rows("device_trust", "network_seen", "account_id, network_hash")
ERASE_REQUESTS: Final = erase_rows("device_trust", "request", "account_id, request_id")
ERASE_HOUSEHOLD: Final = erase_rows("device_trust", "household", "account_id")
