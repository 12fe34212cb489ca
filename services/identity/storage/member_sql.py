"""Statements about plans and extra members. Each names the account on every relation; time is a parameter."""

from __future__ import annotations

from typing import Final

ACCOUNT_MORE: Final = """p.quality, p.orderable,
       m.state as membership_state, m.host_account_id, m.member_id, m.host_state, m.host_quality,
       (select count(*) from extra_member e where e.account_id = $1 and e.state <> 'REMOVED') as members_in_use"""
"""Columns beside those of account ``a`` and its plan ``p``, where MEMBERSHIP is joined and $1 is the account."""

MEMBERSHIP: Final = "left join membership m on m.account_id = a.account_id and m.account_id = $1"
"""The join that ACCOUNT_MORE needs."""

SET_PLAN: Final = """
/* identity.set_plan: what an account pays for */
update account set plan_id = $2 where account_id = $1
"""

_PLACE: Final = """account_id, member_id, slot, state, sealed_email, member_account_id, invite_time, expire_time,
       accept_time"""

LIST_PLACES: Final = f"""
/* identity.list_places: an account's members and invitations that are not over, oldest first */
select {_PLACE} from extra_member where account_id = $1 and state <> 'REMOVED' order by invite_time, member_id
"""

FIND_PLACE: Final = f"""
/* identity.find_place: a member or an invitation, over or not */
select {_PLACE} from extra_member where account_id = $1 and member_id = $2
"""

FIND_INVITED_PLACE: Final = """
/* identity.find_invited_place: the place that a token opens, and whether its host is in good order */
select e.account_id, e.member_id, e.slot, e.state, e.sealed_email, e.member_account_id, e.invite_time, e.expire_time,
       e.accept_time, a.state as host_state, p.quality as host_quality
from invitation i
join extra_member e on e.account_id = i.account_id and e.account_id = $1 and e.member_id = i.member_id
join account a on a.account_id = i.account_id and a.account_id = $1
join plan p on p.plan_id = a.plan_id
where i.account_id = $1 and i.invite_digest = $2
"""

INSERT_PLACE: Final = """
/* identity.insert_place: keep a slot for somebody; of two for one slot the unique index lets one in */
insert into extra_member (account_id, member_id, slot, state, sealed_email, invite_time, expire_time)
values ($1, $2, $3, 'INVITED', $4, $5, $6)
"""

INSERT_INVITATION: Final = """
/* identity.insert_invitation: a further token that opens an invitation */
insert into invitation (account_id, invite_digest, member_id) values ($1, $2, $3)
"""

COUNT_INVITATIONS: Final = """
/* identity.count_invitations: how many tokens open a place */
select count(*) from invitation where account_id = $1 and member_id = $2
"""

COUNT_INVITED_SINCE: Final = """
/* identity.count_invited_since: how many invitations an account made, those that are over included */
select count(*) from extra_member where account_id = $1 and invite_time > $2
"""

LIST_OLD_PLACES: Final = """
/* identity.list_old_places: upkeep, over all accounts: places that were over long ago; read without a lock */
select account_id, member_id from extra_member
where state = 'REMOVED' and told and remove_time <= $1 order by remove_time limit $2
"""

DELETE_OLD_PLACE: Final = """
/* identity.delete_old_place: forget a place that was over long ago */
delete from extra_member
where account_id = $1 and member_id = $2 and state = 'REMOVED' and told and remove_time <= $3
"""

DELETE_INVITATIONS: Final = """
/* identity.delete_invitations: no token opens these places any more */
delete from invitation where account_id = $1 and member_id = any($2::uuid[])
"""

EXPIRE_PLACES: Final = """
/* identity.expire_places: free the slots of an account's invitations that have run out */
update extra_member set state = 'REMOVED', remove_time = $2, sealed_email = null
where account_id = $1 and state = 'INVITED' and expire_time <= $2
returning member_id
"""

TAKE_PLACE: Final = """
/* identity.take_place: an account becomes the member that was invited, unless another is or it is too late */
update extra_member e
set state = 'ACTIVE', member_account_id = $3, accept_time = $4, version = e.version + 1, told = false
where e.account_id = $1 and e.member_id = $2 and e.state = 'INVITED' and e.expire_time > $4
  and exists (select from account a where a.account_id = $1 and a.state = 'ACTIVE')
"""

END_PLACE: Final = """
/* identity.end_place: a membership or an invitation is over; its address is forgotten */
update extra_member
set state = 'REMOVED', remove_time = $3, sealed_email = null, version = version + 1, told = member_account_id is null
where account_id = $1 and member_id = $2 and state <> 'REMOVED'
"""

END_LEFT_PLACE: Final = """
/* identity.end_left_place: the member has left by itself, and need not be told */
update extra_member set state = 'REMOVED', remove_time = $3, sealed_email = null, version = version + 1, told = true
where account_id = $1 and member_id = $2 and state <> 'REMOVED'
"""

MARK_UNTOLD: Final = """
/* identity.mark_untold: the host's state or plan has changed, and its members are to hear of it */
update extra_member set version = version + 1, told = false where account_id = $1 and state = 'ACTIVE'
"""

LIST_UNTOLD: Final = """
/* identity.list_untold: what a host's members have not heard yet, each with the version that says it */
select e.member_id, e.member_account_id, e.state, e.version, a.state as host_state, p.quality as host_quality
from extra_member e
join account a on a.account_id = e.account_id and a.account_id = $1
join plan p on p.plan_id = a.plan_id
where e.account_id = $1 and not e.told and e.member_account_id is not null
"""

TELL_MEMBER: Final = """
/* identity.tell_member: bring the member's copy up to date; what is older, or of another place, changes nothing */
update membership set state = $4, host_state = $5, host_quality = $6, version = $3
where account_id = $1 and member_id = $2 and version < $3 and state <> 'REMOVED'
"""

MARK_TOLD: Final = """
/* identity.mark_told: the member has heard of this version, unless there is a newer one by now */
update extra_member set told = true where account_id = $1 and member_id = $2 and version = $3
"""

PUT_MEMBERSHIP: Final = """
/* identity.put_membership: an account is about to take a place; one that holds, or waits for this place, stays */
insert into membership (account_id, host_account_id, member_id, state, host_state, host_quality)
values ($1, $2, $3, 'PENDING', $4, $5)
on conflict (account_id) do update
set host_account_id = excluded.host_account_id, member_id = excluded.member_id, state = 'PENDING',
    host_state = excluded.host_state, host_quality = excluded.host_quality, version = 0
where membership.account_id = $1 and membership.state <> 'ACTIVE' and membership.member_id <> excluded.member_id
  and membership.host_told
"""

FIND_MEMBERSHIP: Final = """
/* identity.find_membership: the place that an account takes, took or left */
select host_account_id, member_id, state, host_state, host_quality, host_told from membership where account_id = $1
"""

LEAVE_MEMBERSHIP: Final = """
/* identity.leave_membership: the account has a plan of its own; the host's place is to be freed */
update membership set state = 'REMOVED', host_told = false where account_id = $1 and state <> 'REMOVED'
"""

MARK_HOST_TOLD: Final = """
/* identity.mark_host_told: the place that the account left is free */
update membership set host_told = true where account_id = $1 and member_id = $2
"""

LIST_UNTOLD_HOSTS: Final = """
/* identity.list_untold_hosts: upkeep, over all accounts: whose members have not heard */
select distinct account_id from extra_member where not told limit $1
"""

LIST_LEAVERS: Final = """
/* identity.list_leavers: upkeep, over all accounts: who left a place that is not free yet */
select account_id from membership where not host_told limit $1
"""

LIST_EXPIRED_HOSTS: Final = """
/* identity.list_expired_hosts: upkeep, over all accounts: who has invitations that have run out */
select distinct account_id from extra_member where state = 'INVITED' and expire_time <= $1 limit $2
"""
