"""Settings of the challenge service."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from libs.runtime.keys import SealingKeys, decode_key
from libs.runtime.settings import ServiceSettings
from services.challenge.delivery.dkim import DkimSigner
from services.challenge.delivery.endpoints import (
    HttpTextEndpoint,
    SmppEndpoint,
    SmtpEndpoint,
    parse_smtp_url,
    parse_text_url,
)
from services.challenge.domain.policy import Limit, Policy, Pumping, RetryPolicy, Spending
from services.challenge.retention import ChallengeRetention

_TWILIO: Final = "Twilio Verify: 5 sends in 10 minutes."


class ChallengeSettings(ChallengeRetention, ServiceSettings):
    """``HEARTHGATE_`` goes before each name. URLs left empty switch their channel off."""

    smtp_url: SecretStr = Field(default=SecretStr(""), description="The mail server; empty: no email.")
    smtp_fallback_url: SecretStr = Field(default=SecretStr(""), description="The mail server for when that one fails.")
    text_url: SecretStr = Field(
        default=SecretStr(""), description="The text provider, smpp:// or twilio+https://; empty: no text messages."
    )
    text_fallback_url: SecretStr = Field(
        default=SecretStr(""), description="The text provider for when that one fails; it may be of the other sort."
    )
    dkim_private_key: SecretStr = Field(
        default=SecretStr(""), description="RSA, PEM; empty: mails are not signed here, but by the mail server."
    )
    dkim_selector: str = Field(
        default="hearthgate",
        pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$",
        max_length=63,
        description="Of its DNS record.",
    )
    mail_from: str = Field(default="Hearthgate <no-reply@hearthgate.example>", description="The From header.")
    public_domain: str = Field(
        default="hearthgate.example",
        pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        max_length=100,
        description="Where viewers find us: in links, message ids and the origin-bound line of texts.",
    )
    brand: str = Field(
        default="Hearthgate", pattern=r"^[^\x00-\x1f\x7f]+$", max_length=40, description="What messages call us."
    )
    disown_url: str = Field(
        default="",
        max_length=500,
        description="The page of a mail's "
        "\"it wasn't me\", as https://www.example.com/not-me#{token}: what stands behind a # reaches no server's log. "
        "A button there calls DisownSignIn. Empty: mails say what else to do.",
    )
    templates_dir: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = Field(
        default=None, description="A folder whose templates and catalogues go before ours; empty: none."
    )
    code_pepper: SecretStr = Field(description="32 bytes in base64url: the key of every hash of a code.")
    sealing_keys: SecretStr = Field(description="32 bytes in base64url each, by commas; the first seals, all open.")

    code_digits: int = Field(default=6, ge=6, le=8, description="NIST SP 800-63B-4: at least 6 digits.")
    code_lifetime_seconds: int = Field(default=600, ge=10, le=600, description="NIST and ASVS: at most 10 minutes.")
    approval_lifetime_seconds: int = Field(default=600, ge=10, le=600, description="As long as a code lives.")
    attempts_per_code: int = Field(default=5, ge=1, le=5, description="Twilio Verify: 5 checks a code.")
    sends_per_account: int = Field(default=5, ge=1, le=1000, description=_TWILIO)
    sends_per_destination: int = Field(default=5, ge=1, le=1000, description=_TWILIO)
    approvals_per_account: int = Field(default=5, ge=1, le=1000, description="As the sends: questions tire as well.")
    send_window_seconds: int = Field(default=600, ge=1, le=86400, description=_TWILIO)
    sends_per_network: int = Field(
        default=60, ge=1, le=100_000, description="A /24 or /56 in a send window; a carrier's gateway hides many homes."
    )
    sends_per_phone_range: int = Field(
        default=20, ge=1, le=100_000, description="Ten thousand numbers in a row, in a send window."
    )
    failures_per_network: int = Field(
        default=300, ge=5, le=100_000, description="Wrong codes of a /24 or /56 in a failure window, over all accounts."
    )
    spending_per_day: float = Field(
        default=1000, gt=0, description="What messages may cost in a day, in the prices' currency; then none is sent."
    )
    email_price: float = Field(default=0.001, gt=0, description="Of one email.")
    text_price: float = Field(default=0.08, gt=0, description="Of one text.")
    text_countries: str = Field(
        default="", pattern=r"^([A-Z]{2}(,[A-Z]{2})*)?$", description="Where texts go, as DE,FR; empty: everywhere."
    )
    pumping_window_seconds: int = Field(default=3600, ge=60, le=86400)
    pumping_pause_seconds: int = Field(default=3600, ge=60, le=604_800, description="How long a range stays stopped.")
    pumping_sent_to_range: int = Field(default=15, ge=2, description="From so many codes a range is judged.")
    pumping_sent_to_country: int = Field(default=500, ge=2, description="From so many a country is.")
    pumping_least_verified: float = Field(
        default=0.2, ge=0, le=1, description="Share of codes entered; prelude.so finds 12 % of all traffic pumped."
    )
    receipt_wait_seconds: int = Field(
        default=60, ge=5, le=600, description="Then a text without receipt seems not to arrive: email is offered."
    )
    hard_bounce_pause_days: int = Field(default=14, ge=1, description="No notices to a dead address for so long.")
    unsubscription_days: int = Field(default=365, ge=1, description="How long an unsubscription holds.")
    failures_per_account: int = Field(
        default=20, ge=5, le=100, description="Wrong codes of an account and purpose in a window; four whole codes."
    )
    failure_window_seconds: int = Field(default=3600, ge=60, le=86400)
    consecutive_failures: int = Field(default=100, ge=5, le=100, description="NIST SP 800-63B-4: at most 100 in a row.")
    consecutive_pause_seconds: int = Field(
        default=86400, ge=60, description="After so many in a row, a guess this long after the last one."
    )

    notice_lifetime_seconds: int = Field(default=86400, ge=60, description="How long sending a notice is tried.")
    delivery_concurrency: int = Field(default=16, ge=1, le=200, description="Messages under way at once.")
    delivery_lease_seconds: float = Field(
        default=60, ge=35, description="A message whose worker died is taken over after this; longer than any send."
    )
    delivery_poll_seconds: float = Field(default=1, gt=0, le=60)
    delivery_first_retry_seconds: float = Field(default=1, gt=0)
    delivery_longest_retry_seconds: float = Field(default=60, gt=0, description="Between attempts at a code.")
    notice_longest_retry_seconds: float = Field(default=3600, gt=0, description="Between attempts at a notice.")
    delivery_max_attempts: int = Field(default=50, ge=1, description="A message that kills its worker ends here.")
    provider_timeout_seconds: float = Field(
        default=15,
        gt=0,
        le=30,
        description="For one message; with two providers it may take this twice, within a lease.",
    )
    smtp_pool_size: int = Field(default=8, ge=1, le=100)

    watchers: int = Field(default=2000, ge=1, description="WatchChallenge streams at once in this process.")
    watch_poll_seconds: float = Field(default=1, gt=0, le=1, description="How late a change shows without its hint.")
    sweep_seconds: float = Field(default=5, gt=0, description="How often codes of expired challenges are cleared.")
    upkeep_seconds: float = Field(default=3600, gt=0, le=86_400, description="How often old rows are deleted.")

    @field_validator("smtp_url", "smtp_fallback_url")
    @classmethod
    def _is_smtp_url(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            parse_smtp_url(value.get_secret_value(), setting="the URL")
        return value

    @field_validator("text_url", "text_fallback_url")
    @classmethod
    def _is_text_url(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            parse_text_url(value.get_secret_value(), setting="the URL")
        return value

    @field_validator("dkim_private_key")
    @classmethod
    def _is_dkim_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            DkimSigner(value.get_secret_value(), selector="x", domain="x")
        return value

    @field_validator("disown_url")
    @classmethod
    def _is_page(cls, value: str) -> str:
        if value and (not value.startswith("https://") or value.count("{token}") != 1 or not value.isprintable()):
            raise ValueError("must begin with https:// and have {token} once")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        address = parseaddr(value)[1]
        if "@" not in address or any(ord(character) < 32 for character in value):
            raise ValueError("must be an address, or Name <address>")
        if not address.isascii():
            raise ValueError("must have an address in ASCII: of its domain, the form that begins with xn--")
        return value

    @field_validator("templates_dir")
    @classmethod
    def _is_folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("must be a folder that can be read")
        return value

    @field_validator("code_pepper")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        decode_key(value.get_secret_value())
        return value

    @field_validator("sealing_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        SealingKeys.from_text(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _can_pay_for_one(self) -> Self:
        if max(self.email_price, self.text_price) > self.spending_per_day:
            raise ValueError("SPENDING_PER_DAY must pay for one message at least")
        return self

    @model_validator(mode="after")
    def _sends_within_a_lease(self) -> Self:
        if 2 * self.provider_timeout_seconds >= self.delivery_lease_seconds:
            raise ValueError("DELIVERY_LEASE_SECONDS must be more than twice PROVIDER_TIMEOUT_SECONDS")
        return self

    @model_validator(mode="after")
    def _has_what_falls_back(self) -> Self:
        for first, second in (("smtp_url", "smtp_fallback_url"), ("text_url", "text_fallback_url")):
            if getattr(self, second).get_secret_value() and not getattr(self, first).get_secret_value():
                raise ValueError(f"{second.upper()} is set, and {first.upper()} is not")
        return self

    def smtp_endpoints(self) -> list[SmtpEndpoint]:
        """The mail servers in their order."""
        urls = [each.get_secret_value() for each in (self.smtp_url, self.smtp_fallback_url)]
        return [parse_smtp_url(url) for url in urls if url]

    def text_endpoints(self) -> list[SmppEndpoint | HttpTextEndpoint]:
        """The text providers in their order."""
        urls = [each.get_secret_value() for each in (self.text_url, self.text_fallback_url)]
        return [parse_text_url(url) for url in urls if url]

    def dkim_signer(self) -> DkimSigner | None:
        """What signs mails, where there is a key; the domain is the sender's."""
        key = self.dkim_private_key.get_secret_value()
        domain = parseaddr(self.mail_from)[1].rpartition("@")[2]
        return DkimSigner(key, selector=self.dkim_selector, domain=domain) if key else None

    def policy(self) -> Policy:
        """The numbers of the rules."""
        window = timedelta(seconds=self.send_window_seconds)
        failure_window = timedelta(seconds=self.failure_window_seconds)
        return Policy(
            code_digits=self.code_digits,
            code_lifetime=timedelta(seconds=self.code_lifetime_seconds),
            approval_lifetime=timedelta(seconds=self.approval_lifetime_seconds),
            attempts_per_code=self.attempts_per_code,
            sends_per_account=Limit(count=self.sends_per_account, window=window),
            approvals_per_account=Limit(count=self.approvals_per_account, window=window),
            sends_per_destination=Limit(count=self.sends_per_destination, window=window),
            sends_per_network=Limit(count=self.sends_per_network, window=window),
            sends_per_phone_range=Limit(count=self.sends_per_phone_range, window=window),
            spending=Spending(
                ceiling_per_day=self.spending_per_day, email_price=self.email_price, text_price=self.text_price
            ),
            pumping=self._pumping(),
            served_countries=frozenset(filter(None, self.text_countries.split(","))),
            failures=Limit(count=self.failures_per_account, window=failure_window),
            failures_per_network=Limit(count=self.failures_per_network, window=failure_window),
            consecutive_failures=self.consecutive_failures,
            consecutive_pause=timedelta(seconds=self.consecutive_pause_seconds),
            notice_lifetime=timedelta(seconds=self.notice_lifetime_seconds),
            receipt_wait=timedelta(seconds=self.receipt_wait_seconds),
            hard_bounce_pause=timedelta(days=self.hard_bounce_pause_days),
            unsubscription=timedelta(days=self.unsubscription_days),
        )

    def _pumping(self) -> Pumping:
        return Pumping(
            window=timedelta(seconds=self.pumping_window_seconds),
            pause=timedelta(seconds=self.pumping_pause_seconds),
            sent_to_range=self.pumping_sent_to_range,
            sent_to_country=self.pumping_sent_to_country,
            least_verified=self.pumping_least_verified,
        )

    def retry_policy(self) -> RetryPolicy:
        """When a message is tried again."""
        return RetryPolicy(
            first_delay=timedelta(seconds=self.delivery_first_retry_seconds),
            longest_delay_of_codes=timedelta(seconds=self.delivery_longest_retry_seconds),
            longest_delay_of_notices=timedelta(seconds=self.notice_longest_retry_seconds),
            max_attempts=self.delivery_max_attempts,
        )
