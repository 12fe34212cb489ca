"""Settings of the identity service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from libs.runtime.keys import SigningKey, derive_key
from libs.runtime.settings import ServiceSettings
from services.identity.anchor_file import AnchorPath
from services.identity.audit_keys import AuditKeys
from services.identity.contact_keys import ContactForm, ContactKeys, decode_keys
from services.identity.domain.password_guesses import GuessLimit, GuessPolicy
from services.identity.domain.session import Lifetimes, TokenLife
from services.identity.known_passwords import ListError, check_list
from services.identity.retention import IdentityRetention


class IdentitySettings(IdentityRetention, ServiceSettings):
    """What the identity service is told, each under ``HEARTHGATE_`` and its name."""

    contact_keys: SecretStr
    """Keys that protect addresses and numbers: ``label:base64url of 32 bytes``, commas between, the first one seals."""
    contact_form: ContactForm = ContactForm.DIRECT
    """How contacts are written: ``envelope`` under a key of the account's own, once migration 0006 is applied and no
    process of a release before it is left; ``direct`` until then. Both are read, whatever stands here."""
    session_keys: SecretStr = SecretStr("")
    """Keys that sign session tokens, written as contact keys are; the first one signs, all verify. Empty: derived from
    the contact keys, with which they then rotate."""
    session_token_seconds: int = Field(default=900, ge=30, le=86_400)
    """How long a session token of a device with a key holds. Our choice: minutes, as whoever verifies it alone
    learns of a sign-out no sooner than it runs out."""
    refresh_token_seconds: int = Field(default=7_776_000, ge=60, le=63_072_000)
    """How long its refresh token holds, anew with each exchange. Our choice: 90 days, then one signs in again."""
    session_days: int = Field(default=365, ge=1, le=3_650)
    """How long a session of a device with a key lasts at most, however often it is refreshed (OWASP ASVS 5.0, 7.3.2).
    Our choice: a year; NIST SP 800-63B-4 says 30 days at AAL1, docs/authentication.md why a television gets more."""
    keyless_session_days: int = Field(default=180, ge=1, le=3_650)
    """The same for a device without a key. Our choice: half a year, so that a television is not lost each quarter."""
    keyless_session_token_seconds: int = Field(default=300, ge=30, le=86_400)
    """The same for a device without a key, whose tokens are worth as much to whoever copied them."""
    keyless_refresh_token_seconds: int = Field(default=2_592_000, ge=60, le=63_072_000)
    """The same for a device without a key. Our choice: 30 days (NIST SP 800-63B-4: at AAL1 up to 30 days)."""
    password_memory_kib: int = Field(default=19_456, ge=19_456, le=1_048_576)
    """Argon2id memory. OWASP password storage: 19 MiB at least."""
    password_passes: int = Field(default=2, ge=2, le=10)
    """Argon2id passes. OWASP password storage: 2 with 19 MiB."""
    password_lanes: int = Field(default=1, ge=1, le=4)
    """Argon2id parallelism. OWASP password storage: 1."""
    password_threads: int = Field(default=1, ge=1, le=8)
    """Passwords hashed at once. Our choice: one, about 25 a second, so that a core stays free for everything else."""
    password_waiters: int = Field(default=32, ge=0, le=1_000)
    """Passwords that may wait for a thread. Our choice: little more than a second's work."""
    password_retry_after_seconds: float = Field(default=2, gt=0, le=60)
    """When a caller who was shed may come again. Our choice: longer than the queue takes to drain."""
    password_guesses: int = Field(default=10, ge=3, le=50)
    """Wrong passwords compared at once, by address; then one as soon as one is back. Ours: more than people need."""
    password_guess_seconds: int = Field(default=900, ge=60, le=86_400)
    """In what time all of them are back, one after the other. Ours: one in a minute and a half."""
    password_guesses_in_row: int = Field(default=50, ge=3, le=50)
    """Wrong passwords in a row, of strangers and of devices from before the present password each. NIST SP 800-63B-4,
    3.2.2: at most 100 on one account, for all of those who have not shown the password."""
    password_guesses_per_network: int = Field(default=300, ge=10, le=1_000_000)
    """Wrong passwords of a /24 or /56 at once, over all addresses, of devices that their accounts do not know. Ours: as
    for wrong codes; a carrier's gateway may stand before thousands of people."""
    password_guess_network_seconds: int = Field(default=3600, ge=60, le=86_400)
    """In what time a network has all of them again. Ours: an hour."""
    password_limited_pause_seconds: float = Field(default=0.5, ge=0, le=5)
    """How long a refused guess keeps its place among the waiters. Ours: a flood of them then costs less than one of
    passwords that are compared, and takes no more places."""
    audit_keys: SecretStr = SecretStr("")
    """Keys of the audit log, as contact keys are written; empty: derived from the contact keys. Ours: one
    secret less to begin with. Give it keys of its own where contact keys are dropped sooner than the log."""
    audit_anchor_file: AnchorPath = None
    """Where anchors of the audit log are appended; empty: they go to the log only."""
    audit_anchor_seconds: int = Field(default=300, ge=1, le=1_800)
    """How often heads of the audit log are anchored. Ours: what is cut off sooner than that is not missed."""
    audit_failures_seconds: float = Field(default=10, gt=0, le=300)
    """How often failed sign-ins are written down. Ours: a crash forgets no more, and a flood makes one event of it."""
    password_niceness: int = Field(default=5, ge=0, le=19)
    """How far the hashing processes stand back where the processors are short. Our choice, measured: starts wait a
    little less beside a flood, and sign-ins do not starve yet on a busy machine (decision 0015)."""
    breached_passwords_file: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = None
    """An operator's list: lines ``SHA1HEX:count`` of Have I Been Pwned, or words. Default: the shipped one."""
    brand: str = Field(default="Hearthgate", min_length=1, max_length=40)
    """The service's name: no password is made of it alone (NIST SP 800-63B-4: context-specific words)."""
    default_plan_id: str = Field(default="standard", pattern=r"^[a-z0-9-]{1,32}$")
    """The plan of an account that names none."""
    sign_up_retention_hours: float = Field(default=48, ge=24, le=720)
    """How long a sign-up that was never completed is kept: longer than the gateway knows of it (ours)."""
    sign_up_purge_seconds: float = Field(default=3600, gt=0, le=86_400)
    """How often those are deleted (ours)."""
    max_profiles: int = Field(default=5, ge=1, le=100)
    """Profiles an account may have. Netflix help: 5."""
    member_upkeep_seconds: float = Field(default=60, gt=0, le=86_400)
    """How often what broke off between a host and its extra members is finished. Ours: a lease holds for 90 s."""

    max_approvers: int = Field(default=2, ge=0, le=10)
    """Approvers an account may have. Our choice: two adults beside the owner; each one is a way to the codes."""
    former_contact_days: int = Field(default=7, ge=1, le=90)
    """For how long an operator can give a former email address back. Our choice: a week, in which mail is read."""

    @field_validator("session_keys")
    @classmethod
    def _are_keys_or_none(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            decode_keys(value.get_secret_value())
        return value

    upkeep_seconds: float = Field(default=86_400, gt=0, le=604_800)
    """How often what is past its retention is deleted. Ours: once a day, as it reads through the tables."""

    @model_validator(mode="after")
    def _reuse_is_seen(self) -> Self:
        if self.spent_token_days * 86_400 < self.refresh_token_seconds:
            raise ValueError("HEARTHGATE_SPENT_TOKEN_DAYS must be no less than HEARTHGATE_REFRESH_TOKEN_SECONDS")
        if self.contact_change_days < self.former_contact_days:
            raise ValueError("HEARTHGATE_CONTACT_CHANGE_DAYS must be no less than HEARTHGATE_FORMER_CONTACT_DAYS")
        return self

    @field_validator("contact_keys")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        ContactKeys.from_text(value.get_secret_value())
        return value

    @field_validator("audit_keys")
    @classmethod
    def _are_audit_keys(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            AuditKeys.from_texts(value.get_secret_value())
        return value

    def all_audit_keys(self) -> AuditKeys:
        """The audit log's own keys first; those derived from the contact keys verify what was written before."""
        return AuditKeys.from_texts(self.audit_keys.get_secret_value(), self.contact_keys.get_secret_value())

    @property
    def sign_up_retention(self) -> timedelta:
        """How long a sign-up that was never completed is kept."""
        return timedelta(hours=self.sign_up_retention_hours)

    @property
    def sign_up_purge_interval(self) -> timedelta:
        """How often those are deleted."""
        return timedelta(seconds=self.sign_up_purge_seconds)

    @field_validator("breached_passwords_file")
    @classmethod
    def _is_list(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                check_list(value)
            except OSError as error:
                raise ValueError(f"cannot be read: {error.strerror}") from None
            except ListError as error:
                raise ValueError(str(error)) from None
        return value

    def guess_policy(self) -> GuessPolicy:
        """How many wrong passwords are compared."""
        return GuessPolicy(
            by_address=GuessLimit(
                name="password_guesses",
                at_once=self.password_guesses,
                window=timedelta(seconds=self.password_guess_seconds),
                in_row=self.password_guesses_in_row,
            ),
            by_network=GuessLimit(
                name="password_guesses_per_network",
                at_once=self.password_guesses_per_network,
                window=timedelta(seconds=self.password_guess_network_seconds),
            ),
            pause=timedelta(seconds=self.password_limited_pause_seconds),
        )

    def lifetimes(self) -> Lifetimes:
        """How long tokens hold."""
        return Lifetimes(
            with_key=TokenLife(
                session_token=timedelta(seconds=self.session_token_seconds),
                refresh_token=timedelta(seconds=self.refresh_token_seconds),
                session=timedelta(days=self.session_days),
            ),
            without_key=TokenLife(
                session_token=timedelta(seconds=self.keyless_session_token_seconds),
                refresh_token=timedelta(seconds=self.keyless_refresh_token_seconds),
                session=timedelta(days=self.keyless_session_days),
            ),
        )

    def signing_keys(self) -> list[SigningKey]:
        """The keys of session tokens, the one that signs first."""
        return [SigningKey.from_seed(derive_key(key, "identity/session-signing")) for key in self._session_masters()]

    def refresh_keys(self) -> list[bytes]:
        """The keys with which one refresh token follows from another, the current one first."""
        return [derive_key(key, "identity/refresh-chain") for key in self._session_masters()]

    def _session_masters(self) -> list[bytes]:
        return decode_keys(self.session_keys.get_secret_value() or self.contact_keys.get_secret_value())
