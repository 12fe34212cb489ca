"""What an account needs until it stands under the current contact key alone: a rule over what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressState:
    """An address of an account: its hashes under every key, the current one's first, and which of them it holds.

    ``held`` maps a hash that is entered for this account to the id of the key that it is marked with.
    """

    hashes: Sequence[bytes]
    key_ids: Sequence[bytes]
    held: Mapping[bytes, bytes | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyState:
    """What stands of an account's keys. ``key_id``: of what wraps its data key, None where it has none."""

    current_id: bytes
    key_id: bytes | None
    direct_contacts: int
    address: AddressState | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyWork:
    """What is to be done for an account; ``enter``, ``mark`` and ``retire`` are hashes of its address."""

    rewrap: bool = False
    reseal: int = 0
    enter: bytes | None = None
    mark: Mapping[bytes, bytes] = field(default_factory=dict)
    retire: Sequence[bytes] = ()

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.rewrap or self.reseal or self.enter is not None or self.mark or self.retire)

    @classmethod
    def of(cls, state: KeyState, *, retire: bool) -> Self:
        """The work that a state asks for.

        An address is entered under the current key only where the account holds it under another one: what was
        never its own, or was given up, is not claimed by this. With ``retire`` its other hashes go, as the current
        one is there by then.
        """
        rewrap = state.key_id is not None and state.key_id != state.current_id
        address = state.address
        if address is None or not address.held:
            return cls(rewrap=rewrap, reseal=state.direct_contacts)
        current = address.hashes[0]
        going = [each for each in address.hashes[1:] if each in address.held] if retire else []
        by_hash = dict(zip(address.hashes, address.key_ids, strict=True))
        return cls(
            rewrap=rewrap,
            reseal=state.direct_contacts,
            enter=None if current in address.held else current,
            mark={
                each: by_hash[each]
                for each, key_id in address.held.items()
                if key_id is None and each in by_hash and each not in going
            },
            retire=going,
        )
