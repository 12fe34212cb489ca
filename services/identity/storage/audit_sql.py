"""The audit log's statements. A chain is found by its subject, an account's subject by the account."""

from __future__ import annotations

from typing import Final

# Adding

LOCK_SUBJECT: Final = """
/* identity.lock_audit_subject: an account's chain, held until the next event is in it */
select subject_id, salt, sequence, head_hash from audit_subject where account_id = $1 for update
"""

INSERT_SUBJECT: Final = """
/* identity.insert_audit_subject: begin an account's chain, unless somebody did at the same time */
insert into audit_subject (account_id, subject_id, salt, sequence, head_hash, anchored_sequence)
values ($1, $2, $3, 0, $4, 0)
on conflict (account_id) do nothing
"""

ADVANCE_HEAD: Final = """
/* identity.advance_audit_head: the chain ends with the new event */
update audit_subject set sequence = $2, head_hash = $3 where account_id = $1
"""

INSERT_EVENT: Final = """
/* identity.insert_audit_event: one more event */
insert into audit_event (subject_id, sequence, kind, event_time, actor, device, session, object, details, previous_hash,
                         key_id, hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

CLOSE_SUBJECT: Final = """
/* identity.close_audit_subject: keep where a chain ends, and no longer whose it is */
insert into audit_closed_subject (subject_id, sequence, head_hash, anchored_sequence, close_time)
values ($1, $2, $3, 0, $4)
"""

DELETE_SUBJECT: Final = """
/* identity.delete_audit_subject: forget whose chain it is */
delete from audit_subject where account_id = $1
"""

# Reading

FIND_SUBJECT: Final = """
/* identity.find_audit_subject: an account's chain */
select subject_id, salt, sequence, head_hash from audit_subject where account_id = $1
"""

LIST_EVENTS: Final = """
/* identity.list_audit_events: a page of a chain, the newest event first */
select subject_id, sequence, kind, event_time, actor, device, session, object, details, previous_hash, key_id, hash
from audit_event
where subject_id = $1 and sequence < $2
order by sequence desc
limit $3
"""

LIST_SESSION_NAMES: Final = """
/* identity.list_session_names: what pseudonyms of an account's sessions and devices may stand for */
select session_id, device_id from session where account_id = $1 order by create_time desc limit 1000
"""

# Anchoring: reads across accounts, and locks none of them together with another's change

LAST_ANCHOR: Final = """
/* identity.last_audit_anchor: the newest anchor */
select record from audit_anchor order by number desc limit 1
"""

ANCHORS_AFTER: Final = """
/* identity.audit_anchors_after: the anchors after a number, in order */
select record from audit_anchor where number > $1 order by number limit $2
"""

CHANGED_HEADS: Final = """
/* identity.changed_audit_heads: chains with events that are in no anchor yet */
select account_id, subject_id, sequence, head_hash from audit_subject where sequence > anchored_sequence limit $1
"""

CHANGED_CLOSED_HEADS: Final = """
/* identity.changed_closed_audit_heads: the same of chains that are closed */
select subject_id, sequence, head_hash from audit_closed_subject where sequence > anchored_sequence limit $1
"""

INSERT_LEAVES: Final = """
/* identity.insert_audit_leaves: heads that are about to be anchored */
insert into audit_anchor_leaf (subject_id, batch_id, sequence, hash)
select r.subject_id, $1, r.sequence, r.hash
from unnest($2::uuid[], $3::bigint[], $4::bytea[]) r(subject_id, sequence, hash)
"""

INSERT_ANCHOR: Final = """
/* identity.insert_audit_anchor: the next anchor; of two at once only one has the number */
insert into audit_anchor (number, anchor_time, record) values ($1, $2, $3) on conflict (number) do nothing
"""

MARK_ANCHORED: Final = """
/* identity.mark_audit_anchored: an account's chain is anchored up to here */
update audit_subject set anchored_sequence = $2 where account_id = $1 and anchored_sequence < $2
"""

MARK_CLOSED_ANCHORED: Final = """
/* identity.mark_closed_audit_anchored: the same of a chain that is closed */
update audit_closed_subject set anchored_sequence = $2 where subject_id = $1 and anchored_sequence < $2
"""

# Verifying: as a whole, in batches by subject

DATABASE_TIME: Final = """
/* identity.audit_database_time: the database's present moment, by which events are dated */
select clock_timestamp()
"""

COUNT_SUBJECTS: Final = """
/* identity.count_audit_subjects: how many chains have a head, for the progress */
select (select count(*) from audit_subject) + (select count(*) from audit_closed_subject)
"""

NEXT_SUBJECTS: Final = """
/* identity.next_audit_subjects: the next subjects of which there is any trace */
select subject_id from (
    (select distinct subject_id from audit_event where subject_id > $1 order by subject_id limit $2)
    union
    (select distinct subject_id from audit_anchor_leaf where subject_id > $1 order by subject_id limit $2)
    union
    (select subject_id from audit_subject where subject_id > $1 order by subject_id limit $2)
    union
    (select subject_id from audit_closed_subject where subject_id > $1 order by subject_id limit $2)
) traces
order by subject_id
limit $2
"""

HEADS_OF: Final = """
/* identity.audit_heads_of: where the chains of these subjects end, and whose they are */
select account_id, salt, subject_id, sequence, head_hash from audit_subject where subject_id = any($1::uuid[])
union all
select null::uuid, null::bytea, subject_id, sequence, head_hash
from audit_closed_subject
where subject_id = any($1::uuid[])
"""

EVENTS_OF: Final = """
/* identity.audit_events_of: the events of these subjects in order, after the last one that was read */
select subject_id, sequence, kind, event_time, actor, device, session, object, details, previous_hash, key_id, hash
from audit_event
where subject_id = any($1::uuid[]) and (subject_id, sequence) > ($2, $3)
order by subject_id, sequence
limit $4
"""

LEAVES_OF: Final = """
/* identity.audit_leaves_of: what anchors saw of these subjects */
select subject_id, batch_id, sequence, hash from audit_anchor_leaf where subject_id = any($1::uuid[])
"""

LEAVES_OF_BATCH: Final = """
/* identity.audit_leaves_of_batch: the heads that an anchor was made over, in the order of its tree */
select subject_id, batch_id, sequence, hash from audit_anchor_leaf where batch_id = $1 order by subject_id
"""
