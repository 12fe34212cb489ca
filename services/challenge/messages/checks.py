"""The check at start: every kind, language and part is rendered, so that no fault waits for a reader."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.challenge.delivery.text_segments import MAX_SEGMENTS, split_text
from services.challenge.messages.catalogue_checks import check_catalogues
from services.challenge.messages.facts import MessageFacts
from services.challenge.messages.kinds import CODE_KINDS, DISOWNABLE_KINDS, KINDS
from services.challenge.messages.problems import MessageProblem, problem_in_template
from services.challenge.messages.template_set import Sentence

if TYPE_CHECKING:
    from services.challenge.messages.renderer import MessageRenderer

_CODE: Final = "012345"
_EVENT_TIME: Final = datetime(2030, 1, 8, 14, 5, tzinfo=UTC)


def sample_facts(kind: str, *, sparse: bool = False) -> MessageFacts:
    """Facts to show a message with; ``sparse``: only those that every message of the kind has."""
    code = _CODE if kind in CODE_KINDS else ""
    device = {"device_kind": "tv", "device_name": "Living room", "country_code": "DE"}
    times = {"event_time": _EVENT_TIME.isoformat(), "due_time": (_EVENT_TIME + timedelta(days=7)).isoformat()}
    least = {} if code else {"due_time": times["due_time"]}
    usual = device if code else device | times
    return MessageFacts.from_parameters(
        least if sparse else usual,
        code=code,
        expire_time=_EVENT_TIME + timedelta(minutes=1 if sparse else 10),
        now=_EVENT_TIME,
        unsubscribe_url="" if sparse or code else "https://example.com/stop?token=sample&kind=all",
        disown_url="https://example.com/not-me#sample" if kind in DISOWNABLE_KINDS and not sparse else "",
        invitation_token="" if code else "sample",
    )


def check_messages(renderer: MessageRenderer) -> list[MessageProblem]:
    """What is wrong, each fault once: first what cannot be compiled, then catalogues, then what cannot be rendered."""
    templates = renderer.templates
    problems = templates.compile_all()
    if not problems:
        problems = check_catalogues(
            renderer.languages, ours=templates.sentences(own=True), all_sentences=_all_sentences(renderer)
        )
    if not problems:
        problems = list(_rendered(renderer))
    return list(dict.fromkeys(problems))


def _all_sentences(renderer: MessageRenderer) -> set[Sentence]:
    return renderer.templates.sentences(own=True) | renderer.templates.sentences(own=False)


def _rendered(renderer: MessageRenderer) -> Iterator[MessageProblem]:
    for language in renderer.languages.tags:
        for kind in KINDS:
            for sparse in (False, True):
                yield from _faults_of(renderer, kind, language, sample_facts(kind, sparse=sparse))


def _faults_of(renderer: MessageRenderer, kind: str, language: str, facts: MessageFacts) -> Iterator[MessageProblem]:
    try:
        email = renderer.email(kind, language, facts)
        text = renderer.text(kind, language, facts)
    # An operator's template can raise whatever Python can; each of it is a fault to be told.
    except Exception as error:
        yield problem_in_template(error, f"{kind} in {language}")
        return
    shown = {"subject": email.subject, "txt": email.text, "html": email.html, "sms": text}
    for part, content in shown.items():
        fault = _fault(part, content, facts.code)
        if fault:
            file = renderer.templates.find(kind, part, language).filename or f"{kind}.{part}"
            yield MessageProblem(file=file, text=f"{fault} ({kind}.{part} in {language})")


def _fault(part: str, content: str, code: str) -> str:
    if not content.strip():
        return "says nothing"
    if part == "subject" and code and code in content:
        return "shows the code in the subject, where a locked screen would show it"
    if part in ("txt", "html") and code not in content:
        return "does not show the code"
    if part == "sms" and len(split_text(content).parts) > MAX_SEGMENTS:
        return f"is longer than {MAX_SEGMENTS} short messages"
    return ""
