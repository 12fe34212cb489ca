"""The likelihood ratio of Freeman et al. over networks and devices.

Freeman, D., Jain, S., Dürmuth, M., Biggio, B. and Giacinto, G. (2016), Who Are You? A Statistical Approach to Measuring
User Authenticity, NDSS, https://doi.org/10.14722/ndss.2016.23240, equation 7 without data on attacks; in the reading of
Wiefling, S. et al. (2022), https://doi.org/10.1145/3546069, whose notebook is at
https://github.com/das-group/rba-algorithm. No code is theirs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from services.device_trust.replay.records import ANSWERED, Answer, Event, Record
from services.device_trust.simulation.baselines.answers import answer

THRESHOLD: Final = 0.0203
"""The score from which a sign-in is asked. In worlds of the development seeds and families (five of 120 accounts over
440 days, 198 thieves) it asks 99 % of the thieves; it was tried there until it stayed the same.
"""

_NETWORK_WEIGHTS: Final = (0.6, 0.3, 0.1)
"""Of address, autonomous system, country; as in the notebook."""
_DEVICE_WEIGHTS: Final = (0.54, 0.27, 0.19)
"""Of kind with platform, platform, kind; as in the notebook, whose fourth level of 0.005 we have not."""
_UNSEEN_SHARE: Final = 0.25
"""What an account's likelihood is of the population's for what it never showed; as in the notebook."""

Value = tuple[int, str]
Levels = tuple[Value, ...]
"""A feature at each of its levels, the narrowest first: the level's number, which keeps levels apart, and its value."""


@dataclass(kw_only=True, slots=True)
class _History:
    """Sign-ins that succeeded."""

    sign_ins: int = 0
    values: Counter[Value] = field(default_factory=Counter)

    def add(self, features: tuple[Levels, Levels]) -> None:
        self.sign_ins += 1
        for levels in features:
            self.values.update(levels)

    def likelihood(self, levels: Levels, weights: tuple[float, ...]) -> float:
        """A mix of the shares at each level, by their weights."""
        counts = (weight * self.values[level] for weight, level in zip(weights, levels, strict=True))
        return sum(counts) / self.sign_ins

    def smoothed(self, levels: Levels, weights: tuple[float, ...]) -> float:
        """The same, never zero: a value that nobody has shown counts as one more sign-in of its narrowest level."""
        unseen = 0.0 if self.values[levels[0]] else weights[0] / (self.sign_ins + 1)
        return self.likelihood(levels, weights) + unseen


@dataclass(kw_only=True, slots=True)
class _Device:
    """A device's last sign-in."""

    features: tuple[Levels, Levels]
    score: float
    asked: bool


class Freeman:
    """Asks a sign-in whose features are likelier in the population than in the account's own past sign-ins.

    Only sign-ins are judged: a start is answered as its device's last sign-in, unless a code was passed since. The
    sign-in that founds an account has no past; it is allowed and scored 0. Ratio s is told as s / (1 + s).
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold
        self._all = _History()
        self._accounts: dict[str, _History] = {}
        self._devices: dict[tuple[str, str], _Device] = {}

    def handle(self, record: Record) -> Answer | None:
        """Take a record in; answer it if it is a SIGN_IN or a START."""
        device = self._devices.get((record.account, record.device_id))
        if record.event is Event.CODE_PASSED and device is not None and device.asked:
            device.asked = False
            self._learn(record.account, device.features)
        if record.event not in ANSWERED:
            return None
        if record.event is Event.SIGN_IN or device is None:
            device = self._sign_in(record)
        return answer(record, asked=device.asked, thief=device.score, reason="unlikely_sign_in")

    def _sign_in(self, record: Record) -> _Device:
        features = _features(record)
        score = self._score(record.account, features)
        device = _Device(features=features, score=score, asked=score >= self._threshold)
        self._devices[record.account, record.device_id] = device
        if not device.asked:
            self._learn(record.account, features)
        return device

    def _learn(self, account: str, features: tuple[Levels, Levels]) -> None:
        self._all.add(features)
        self._accounts.setdefault(account, _History()).add(features)

    def _score(self, account: str, features: tuple[Levels, Levels]) -> float:
        own = self._accounts.get(account)
        if own is None:
            return 0.0
        # Every account is as likely to be attacked (1 / accounts); an account signs in as often as it did.
        ratio = self._all.sign_ins / (len(self._accounts) * own.sign_ins)
        for levels, weights in zip(features, (_NETWORK_WEIGHTS, _DEVICE_WEIGHTS), strict=True):
            of_all = self._all.smoothed(levels, weights)
            ratio *= of_all / (own.likelihood(levels, weights) or of_all * _UNSEEN_SHARE)
        return ratio / (1 + ratio)


def _features(record: Record) -> tuple[Levels, Levels]:
    network = ((0, record.ip), (1, str(record.asn)), (2, str(record.country)))
    kind, platform = record.device_kind, record.device_platform
    return network, ((3, f"{kind} {platform}"), (4, platform), (5, kind))
