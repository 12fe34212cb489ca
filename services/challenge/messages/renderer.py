"""Messages as people read them: templates by language and kind, dates and countries as CLDR writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.challenge.messages.safe_text import plain_text_line, safe_name

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
DEFAULT_LANGUAGE: Final = "en"
# Longer names of countries would make a second short message of the text.
_LONGEST_PLACE_IN_TEXT: Final = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageFacts:
    """What a message tells. ``code`` is empty in a notice; ``minutes`` are those that a code still lives."""

    code: str = field(default="", repr=False)
    minutes: int = 0
    expire_time: datetime
    device_kind: str = ""
    device_name: str = field(default="", repr=False)
    country_code: str = ""
    event_time: datetime | None = None
    due_time: datetime | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str], *, code: str, expire_time: datetime, now: datetime) -> Self:
        """The facts of a queued message. Raises KeyError and ValueError never: what is missing stays empty."""
        times = {
            name: datetime.fromisoformat(parameters[name]) for name in ("event_time", "due_time") if name in parameters
        }
        return cls(
            code=code,
            minutes=max(1, math.ceil((expire_time - now).total_seconds() / 60)),
            expire_time=expire_time,
            device_kind=parameters.get("device_kind", ""),
            device_name=safe_name(parameters.get("device_name", "")),
            country_code=parameters.get("country_code", ""),
            event_time=times.get("event_time"),
            due_time=times.get("due_time"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedEmail:
    """An email's three parts."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


class MessageRenderer:
    """Renders ``<language>/<kind>.{subject,txt,html,sms}.j2``. A missing variable is an error, never an empty place."""

    def __init__(self, public_domain: str, *, templates: Path = TEMPLATES) -> None:
        self._domain = public_domain
        self._languages = frozenset(path.name for path in templates.iterdir() if path.is_dir())
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            # By name, so that only HTML is escaped: "&" belongs into a subject as it is.
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default_for_string=False, default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )

    def message_id(self, stable_id: UUID) -> str:
        """The id of the message and of every repeat of it."""
        return f"{stable_id}@{self._domain}"

    def unsubscribe_link(self, token: str) -> str:
        """Where a notice's one-click unsubscription is asked for."""
        return f"https://{self._domain}/unsubscribe?token={token}"

    def email(self, kind: str, language: str, facts: MessageFacts) -> RenderedEmail:
        """An email. Raises jinja2's TemplateError for a kind without templates or a faulty one."""
        render = partial(self._render, kind, language, facts)
        return RenderedEmail(
            subject=plain_text_line(render("subject")), text=render("txt").strip() + "\n", html=render("html")
        )

    def text(self, kind: str, language: str, facts: MessageFacts) -> str:
        """A text message, short; one with a code ends with the line that binds it to our domain."""
        directory, _ = self._locale(language)
        text = plain_text_line(self._render(kind, language, facts, "sms"), gsm7=directory == DEFAULT_LANGUAGE)
        return f"{text}\n\n@{self._domain} #{facts.code}" if facts.code else text

    def _render(self, kind: str, language: str, facts: MessageFacts, part: str) -> str:
        directory, locale = self._locale(language)
        place = locale.territories.get(facts.country_code, "")
        if part == "sms" and len(place) > _LONGEST_PLACE_IN_TEXT:
            place = ""
        template = self._environment.get_template(f"{directory}/{kind}.{part}.j2")
        return template.render(
            facts=facts,
            place=place,
            domain=self._domain,
            moment=lambda value: _moment(value, locale),
            time=lambda value: _time(value, locale),
        )

    def _locale(self, language: str) -> tuple[str, Locale]:
        """The directory of templates and the locale for dates: the closest that there are."""
        parts = language.split("-")
        for length in range(len(parts), 0, -1):
            directory = "-".join([parts[0].lower(), *parts[1:length]])
            if directory in self._languages:
                return directory, _parse_locale(language) or Locale.parse(directory, sep="-")
        return DEFAULT_LANGUAGE, Locale.parse(DEFAULT_LANGUAGE)


def _parse_locale(language: str) -> Locale | None:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def _time(value: datetime, locale: Locale) -> str:
    return f"{format_time(value, 'short', locale=locale)} UTC".replace("\u202f", " ")


def _moment(value: datetime, locale: Locale) -> str:
    return f"{format_date(value, 'long', locale=locale)}, {_time(value, locale)}"
