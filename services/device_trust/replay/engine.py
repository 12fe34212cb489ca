"""The engine over a log: the rules, scores and learning of the service, with its tables in memory.

Time comes from the records alone. What is kept grows with accounts and the networks that they were seen on, not with
events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID, uuid4

from libs.runtime.errors import ServiceError
from services.device_trust.domain.assessment import Assessment, assess
from services.device_trust.domain.confirmation import Purchase, confirm, defer
from services.device_trust.domain.facts import Facts, Household, look
from services.device_trust.domain.history import History, day_of
from services.device_trust.domain.learning import failed_code
from services.device_trust.domain.model import Model, default_model
from services.device_trust.domain.networks import Network, NetworkHasher
from services.device_trust.domain.policy import Policy
from services.device_trust.domain.profiles import profile_digest
from services.device_trust.domain.records import (
    TELLING_ACCOUNTS,
    AllowanceUse,
    Client,
    ConfirmationBasis,
    Crowd,
    Device,
    Residence,
    Sighting,
    Standing,
)
from services.device_trust.domain.scoring import Scorer, scorer
from services.device_trust.domain.sightings import fold
from services.device_trust.replay.records import Answer, AnswerScores, Event, Outcome, Record

_KEY: Final = b"hearthgate replay: nothing is kept"
"""Hashes leave the process nowhere, so the key guards nothing; it only has to be one."""
_ADDRESSES_KEPT: Final = 100_000
_NO_ID: Final = UUID(int=0)


@dataclass(slots=True)
class _Account:
    """One account's rows."""

    history: History
    devices: dict[str, Device] = field(default_factory=dict)
    residences: tuple[Residence, ...] = ()
    uses: list[tuple[str, AllowanceUse]] = field(default_factory=list)
    playing: dict[str, datetime] = field(default_factory=dict)
    """Devices that were let in, and when: what plays on was seen, what was refused was not."""


class Population:
    """How many accounts were seen on each network and with each provider."""

    def __init__(self) -> None:
        self._accounts = 0
        self._networks: defaultdict[bytes, int] = defaultdict(int)
        self._providers: defaultdict[int, int] = defaultdict(int)

    def met(self) -> None:
        """Another account."""
        self._accounts += 1

    def saw(self, network: bytes | None, provider: int | None) -> None:
        """An account was seen for the first time on a network, with a provider."""
        if network is not None:
            self._networks[network] += 1
        if provider:
            self._providers[provider] += 1

    def crowd(self, network: bytes, provider: int | None) -> Crowd:
        """What is known of a network and its provider."""
        share = self._providers[provider] / self._accounts if provider and self._accounts >= TELLING_ACCOUNTS else None
        return Crowd(network=max(1, self._networks.get(network, 0)), provider_share=share)


Watch = Callable[[Record, Facts], None]


class Engine:
    """Answers sign-ins and starts in the order of their time, and learns from what it let in."""

    def __init__(self, policy: Policy | None = None, model: Model | None = None, watch: Watch | None = None) -> None:
        """``watch`` is shown the facts of each record that is answered."""
        self._policy = policy or Policy()
        self._scorer: Scorer = scorer(model or default_model())
        self._watch = watch
        self._accounts: dict[str, _Account] = {}
        self._population = Population()
        self._hasher = NetworkHasher(_KEY)
        self._network = lru_cache(maxsize=_ADDRESSES_KEPT)(self._hasher.look)

    def handle(self, record: Record) -> Answer | None:
        """Take a record in; answer it if it is a SIGN_IN or a START. Raises ValueError for an address that is none."""
        client = self._client(record)
        account = self._account(record)
        match record.event:
            case Event.SIGN_IN | Event.START:
                return self._judge(account, client, record)
            case Event.HEARTBEAT | Event.STOP:
                if client.device_id in account.playing:
                    self._learn(account, client, record)
            case Event.CODE_FAILED:
                failed_code(account.history, record.time)
            case Event.CODE_PASSED | Event.DEFERRED:
                self._buy(account, client, record)
        return None

    def _client(self, record: Record) -> Client:
        network: Network = self._network(record.ip)
        return Client(
            device_id=record.device_id,
            kind=record.device_kind,
            name="",
            platform=record.device_platform,
            network=network.narrow,
            wide=network.wide,
            v6=network.v6,
            country=record.country,
            asn=record.asn,
            profile=profile_digest(record.profile or ""),
        )

    def _account(self, record: Record) -> _Account:
        account = self._accounts.get(record.account)
        if account is None:
            account = self._accounts[record.account] = _Account(History(first_day=day_of(record.time)))
            self._population.met()
        return account

    def _facts(self, account: _Account, client: Client, now: datetime) -> Facts:
        since = now - self._policy.allowance_period
        uses = tuple(
            use for device, use in account.uses if use.used_time > since and not _given_back(account, device, use)
        )
        household = Household(history=account.history, residences=account.residences, uses=uses)
        device = account.devices.get(client.device_id)
        crowd = self._population.crowd(client.network, client.asn)
        return look(household, device, client, now, self._policy, self._scorer, crowd)

    def _judge(self, account: _Account, client: Client, record: Record) -> Answer:
        facts = self._facts(account, client, record.time)
        if self._watch is not None:
            self._watch(record, facts)
        assessment = assess(facts, self._policy)
        outcome = outcome_of(assessment, record)
        if outcome.allows:
            self._learn(account, client, record)
            if record.event is Event.START:
                account.playing[client.device_id] = record.time
        else:
            account.playing.pop(client.device_id, None)
        return _answer(record, assessment, outcome)

    def _learn(self, account: _Account, client: Client, record: Record) -> None:
        known = client.network in account.history.networks
        provider_known = any(use.asn == client.asn for use in account.history.networks.values()) if not known else True
        if not known:
            self._population.saw(client.network, None if provider_known else client.asn)
        sighting = Sighting(
            sighting_id=_NO_ID,
            account_id=_NO_ID,
            event_time=record.time,
            client=client,
            start=record.event is Event.START,
        )
        before = account.devices.get(client.device_id)
        crowds: dict[bytes, int] = {client.network: self._population.crowd(client.network, None).network}
        after = fold(
            account.history,
            [sighting],
            [before] if before is not None else [],
            account.residences,
            self._policy,
            crowds,
            uuid4,
        )
        (account.devices[client.device_id],) = after.devices
        account.residences = after.residences

    def _buy(self, account: _Account, client: Client, record: Record) -> None:
        """What a code or a deferral buys; one that buys nothing changes nothing, as in the service."""
        facts = self._facts(account, client, record.time)
        try:
            purchase = self._purchase(facts, record.event)
        except ServiceError:
            return
        account.devices[client.device_id] = purchase.device
        if purchase.use is not None:
            account.uses.append((client.device_id, purchase.use))
            account.uses = [each for each in account.uses if record.time - each[1].used_time < timedelta(days=366)]

    def _purchase(self, facts: Facts, event: Event) -> Purchase:
        if event is Event.DEFERRED:
            return defer(facts, self._policy)
        suspect = assess(facts, self._policy).verdict.standing is Standing.SUSPECT
        basis = ConfirmationBasis.OWNER_CODE if suspect else ConfirmationBasis.HOUSEHOLD_CODE
        return confirm(facts, basis, self._policy)


def outcome_of(assessment: Assessment, record: Record) -> Outcome:
    """What a standing means for a start, and for a sign-in, which only theft and a revocation stop."""
    standing, until = assessment.verdict.standing, assessment.verdict.expire_time
    match standing:
        case Standing.REVOKED:
            return Outcome.DENIED
        case Standing.SUSPECT:
            return Outcome.VERIFICATION_REQUIRED
        case Standing.HOUSEHOLD | Standing.TRAVELLING:
            return Outcome.ALLOWED
    if record.event is Event.SIGN_IN:
        return Outcome.ALLOWED
    if standing is Standing.OUTSIDE or (until is not None and until <= record.time):
        return Outcome.DENIED
    return Outcome.VERIFICATION_REQUIRED if until is None else Outcome.ALLOWED_UNTIL


def _given_back(account: _Account, device_id: str, use: AllowanceUse) -> bool:
    """A use is given back once its device was seen at home."""
    device = account.devices.get(device_id)
    return device is not None and device.last_home_time is not None and device.last_home_time > use.used_time


def _answer(record: Record, assessment: Assessment, outcome: Outcome) -> Answer:
    scores = assessment.scoring.scores
    return Answer(
        time=record.time,
        account=record.account,
        device_id=record.device_id,
        event=record.event,
        outcome=outcome,
        standing=assessment.verdict.standing,
        scores=AnswerScores(household=scores.household, outsider=scores.outsider, thief=scores.thief),
        can_defer=assessment.can_defer,
        can_use_code=assessment.can_use_code,
        reasons=tuple(factor.description for factor in assessment.scoring.factors[:5]),
    )
