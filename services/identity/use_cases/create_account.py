"""CreateAccount: begin an account that is not usable until its address is verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.persistence.database import Executor
from libs.runtime.errors import ErrorReason, ServiceError, invalid_field
from libs.runtime.logging import get_logger
from services.identity.domain.account import DEFAULT_LANGUAGE, Account, AccountState, Plan, ProfileMove
from services.identity.domain.audit import AuditKind
from services.identity.domain.contact import Channel, normalize_email, normalize_phone
from services.identity.domain.membership import EXTRA_MEMBER_PLAN_ID
from services.identity.domain.password import context_words
from services.identity.domain.profile import clean_name, owner_profile
from services.identity.storage import accounts, profiles
from services.identity.storage.members import InvitedPlace, put_membership
from services.identity.storage.requests import RequestKey, claim_sign_up, request_id_reused
from services.identity.use_cases import audit
from services.identity.use_cases.context import Identity
from services.identity.use_cases.new_passwords import check_new_password
from services.identity.use_cases.taking_places import find_invited, require_takeable

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAccount:
    """What a sign-up says, as it came. Empty texts stand for what was left out."""

    request_id: UUID
    email: str = field(repr=False)
    phone: str = field(repr=False)
    password: str = field(repr=False)
    country_code: str
    language: str
    profile_name: str = field(repr=False)
    plan_id: str
    profile_move: ProfileMove | None
    invitation_token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatedAccount:
    """The pending account, whether its address is another's, and the address in normal form."""

    account_id: UUID
    email_taken: bool
    email: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _SignUp:
    """A sign-up after its fields were checked and brought into normal form."""

    email: str = field(repr=False)
    phone: str = field(repr=False)
    profile_name: str = field(repr=False)
    password: str = field(repr=False)
    plan: Plan
    language: str
    country_code: str
    profile_move: ProfileMove | None
    invited: InvitedPlace | None


async def create_account(new: NewAccount, *, identity: Identity) -> CreatedAccount:
    """Make the account that ``new`` asks for, or answer with the one that its request id made before.

    A taken address costs the same work: the account is made and can never be activated. Raises INVALID_FIELD,
    REQUEST_ID_REUSED, OVERLOADED; NOT_FOUND for an invitation that does not open a place for this address;
    DEPENDENCY_UNAVAILABLE where the password could not be looked up.
    """
    with identity.passwords.admitted() as admitted:
        sign_up = await _check(new, identity)
        password_hash = await admitted.hash(sign_up.password)
    key = _request_key(new.request_id, sign_up, identity)
    account_id = identity.ids.new()
    now = identity.clock.now()
    async with identity.database.transaction() as transaction:
        made_id = await claim_sign_up(transaction, key, account_id=account_id, now=now)
        if made_id == account_id:
            account = await _draw_up(transaction, account_id, sign_up, identity, now)
            await _insert(transaction, account, sign_up, password_hash, identity)
            if sign_up.invited is not None:
                require_takeable(sign_up.invited, None, now)
                await put_membership(transaction, account_id, sign_up.invited)
            await audit.record(transaction, account_id, AuditKind.ACCOUNT_CREATED, identity=identity)
    if made_id != account_id:
        return await _repeat(made_id, sign_up, identity)
    _log.info("account created", account_id=account_id)
    return CreatedAccount(account_id=account_id, email_taken=account.email_taken, email=sign_up.email)


async def _check(new: NewAccount, identity: Identity) -> _SignUp:
    if not new.profile_name and new.profile_move is None:
        raise invalid_field("profile_name", "may be empty only when a profile is to be moved in")
    if new.plan_id and new.invitation_token:
        raise invalid_field("plan_id", "must be empty together with an invitation")
    plan_id = EXTRA_MEMBER_PLAN_ID if new.invitation_token else new.plan_id or identity.default_plan_id
    email = normalize_email(new.email)
    phone = normalize_phone(new.phone) if new.phone else ""
    profile_name = clean_name(new.profile_name, "profile_name") if new.profile_name else ""
    words = context_words(brand=identity.brand, email=email, profile_names=[profile_name])
    password = await check_new_password(new.password, words, identity=identity)
    plans = {plan.plan_id: plan for plan in await accounts.list_plans(identity.database)}
    if plan_id not in plans or not (plans[plan_id].orderable or new.invitation_token):
        raise invalid_field("plan_id", "must name a plan")
    invited = await find_invited(new.invitation_token, email, identity) if new.invitation_token else None
    if invited and new.profile_move and new.profile_move.source_account_id != invited.place.account_id:
        raise ServiceError(ErrorReason.STATE_CONFLICT, detail="the profile is not of the host's account")
    return _SignUp(
        email=email,
        phone=phone,
        profile_name=profile_name,
        password=password,
        plan=plans[plan_id],
        language=new.language or DEFAULT_LANGUAGE,
        country_code=new.country_code,
        profile_move=new.profile_move,
        invited=invited,
    )


def _request_key(request_id: UUID, sign_up: _SignUp, identity: Identity) -> RequestKey:
    # Without the password, which must not be kept under a fast hash: a repeat is checked against the slow one.
    move = sign_up.profile_move
    moved = (str(move.source_account_id), str(move.profile_id)) if move else ("", "")
    invited = (str(sign_up.invited.place.member_id),) if sign_up.invited else ()
    method = "CreateAccount"
    fingerprints = identity.keys.fingerprints(
        method,
        sign_up.email,
        sign_up.phone,
        sign_up.country_code,
        sign_up.language,
        sign_up.profile_name,
        sign_up.plan.plan_id,
        *moved,
        *invited,
    )
    return RequestKey(request_id=request_id, method=method, fingerprints=fingerprints)


async def _draw_up(
    transaction: Executor, account_id: UUID, sign_up: _SignUp, identity: Identity, now: datetime
) -> Account:
    holder = await accounts.find_address(transaction, identity.keys.email_hashes(sign_up.email))
    return Account(
        account_id=account_id,
        state=AccountState.PENDING,
        plan=sign_up.plan,
        country_code=sign_up.country_code,
        language=sign_up.language,
        create_time=now,
        email_taken=holder is not None,
        profile_move=sign_up.profile_move,
    )


async def _insert(
    transaction: Executor, account: Account, sign_up: _SignUp, password_hash: str, identity: Identity
) -> None:
    account_id, now = account.account_id, account.create_time
    await accounts.insert_account(transaction, account)
    await accounts.put_password_hash(transaction, account_id, password_hash, now)
    for channel, destination in ((Channel.EMAIL, sign_up.email), (Channel.TEXT, sign_up.phone)):
        if destination:
            await accounts.insert_contact(
                transaction, identity.keys, account_id=account_id, channel=channel, destination=destination
            )
    if sign_up.profile_name:
        profile = owner_profile(profile_id=identity.ids.new(), account_id=account_id, name=sign_up.profile_name)
        await profiles.insert_profile(transaction, profile, now)


async def _repeat(account_id: UUID, sign_up: _SignUp, identity: Identity) -> CreatedAccount:
    account = await accounts.find_account(identity.database, account_id)
    first_hash = await accounts.find_first_password_hash(identity.database, account_id)
    # Once the password was changed there is nothing left to compare a late repeat's with.
    if first_hash is not None and not await identity.passwords.verify(first_hash, sign_up.password):
        raise request_id_reused()
    taken = account is not None and account.email_taken
    return CreatedAccount(account_id=account_id, email_taken=taken, email=sign_up.email)
