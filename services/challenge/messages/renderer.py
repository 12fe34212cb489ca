"""Messages as people read them: one template for a kind, a catalogue for a language, CLDR for dates and countries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Final
from uuid import UUID

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format
from jinja2 import UndefinedError

from services.challenge.messages.catalogues import (
    LOCALE_FOLDER,
    Language,
    build_languages,
    parse_locale,
    read_catalogues,
)
from services.challenge.messages.checks import check_messages
from services.challenge.messages.facts import MessageFacts as MessageFacts
from services.challenge.messages.overrides import folder_tags, misplaced
from services.challenge.messages.problems import MessageProblem
from services.challenge.messages.safe_text import plain_text_line
from services.challenge.messages.skeletons import Moment, Shape, Skeletons, marked_moment, marked_time
from services.challenge.messages.template_set import TemplateSet

DEFAULT_BRAND: Final = "Hearthgate"
DISOWN_PLACE: Final = "{token}"
"""What stands for the token in the URL of the operator's page."""
# Longer names of countries would make a second short message of the text.
_LONGEST_PLACE_IN_TEXT: Final = 24
_READERS: Final = 500
"""Languages of readers that are kept found."""
# Of an alphabet that short messages have room for: these languages stay readable without the marks that it lacks.
_FOLDED_LANGUAGES: Final = frozenset({"en", "de", "es", "fr"})


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedEmail:
    """An email's three parts."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


class MessageRenderer:
    """Renders messages. A missing variable is an error, never an empty place.

    ``overrides`` is a folder with templates and catalogues that go before ours; ``brand`` is what we are called.
    Files are read once. :meth:`check` says what is wrong with them.
    """

    def __init__(
        self, public_domain: str, overrides: Path | None = None, *, brand: str = DEFAULT_BRAND, disown_url: str = ""
    ) -> None:
        self._domain = public_domain
        self._brand = brand
        self._disown_url = disown_url
        self.overrides = overrides
        self.templates = TemplateSet(overrides)
        # An operator's templates may do with a value what they like, so theirs are rendered each time.
        self._skeletons = Skeletons() if overrides is None and brand.isprintable() else None
        folders = [(LOCALE_FOLDER, True)] if overrides is None else [(LOCALE_FOLDER, True), (overrides, False)]
        files, self._unreadable = read_catalogues(folders)
        self.languages = build_languages(files, folder_tags(overrides, files))
        self._reader = lru_cache(maxsize=_READERS)(self._find_reader)

    def check(self) -> list[MessageProblem]:
        """Render every kind, language and part with sample facts; what is wrong, in words."""
        found = [*self._unreadable, *misplaced(self.overrides, self.languages)]
        return found or check_messages(self)

    def message_id(self, stable_id: UUID) -> str:
        """The id of the message and of every repeat of it."""
        return f"{stable_id}@{self._domain}"

    def unsubscribe_link(self, token: str) -> str:
        """Where a notice's one-click unsubscription is asked for."""
        return f"https://{self._domain}/unsubscribe?token={token}"

    def disown_link(self, token: str) -> str:
        """The operator's page on which an owner says "it wasn't me"; empty where there is none."""
        return self._disown_url.replace(DISOWN_PLACE, token)

    def email(self, kind: str, language: str, facts: MessageFacts) -> RenderedEmail:
        """An email. Raises jinja2's TemplateError for a kind without templates or a faulty one."""
        part = partial(self._render, kind, language, facts)
        return RenderedEmail(subject=plain_text_line(part("subject")), text=_tidy(part("txt")), html=part("html"))

    def text(self, kind: str, language: str, facts: MessageFacts) -> str:
        """A text message, short; one with a code ends with the line that binds it to our domain."""
        folded = self.languages.closest(language).locale.language in _FOLDED_LANGUAGES
        text = plain_text_line(self._render(kind, language, facts, "sms"), gsm7=folded)
        return f"{text}\n\n@{self._domain} #{facts.code}" if facts.code else text

    def _render(self, kind: str, language: str, facts: MessageFacts, part: str) -> str:
        chosen, locale, name = self._reader(language)
        place = _place(facts.country_code, locale, part)
        moment, time = partial(_moment, locale=locale), partial(_time, locale=locale)
        if self._skeletons is None:
            return self._write(kind, part, chosen, facts, place, moment, time)
        shape = Shape.of(kind, part, name, facts, place)

        def make() -> str:
            marked = shape.marked_facts()
            return self._write(kind, part, chosen, marked, shape.marked_place(), marked_moment, marked_time)

        return self._skeletons.fill(shape, make, facts, place, moment, time)

    def _find_reader(self, language: str) -> tuple[Language, Locale, str]:
        """The words' language, the reader's own locale for dates, and a name for the two of them."""
        chosen = self.languages.closest(language)
        locale = _locale(language, chosen)
        return chosen, locale, f"{chosen.tag} {locale}"

    def _write(
        self, kind: str, part: str, chosen: Language, facts: MessageFacts, place: str, moment: Moment, time: Moment
    ) -> str:
        return self.templates.find(kind, part, chosen.tag).render(
            facts=facts,
            part=part,
            place=place,
            domain=self._domain,
            brand=self._brand,
            language=chosen.tag,
            direction=chosen.direction,
            start="right" if chosen.direction == "rtl" else "left",
            end="left" if chosen.direction == "rtl" else "right",
            translations=chosen.translations,
            moment=moment,
            time=time,
        )


def _locale(tag: str, chosen: Language) -> Locale:
    """The reader's own locale, for dates, where the words are in its language; else the words' locale."""
    own = parse_locale(tag)
    return own if own is not None and own.language == chosen.locale.language else chosen.locale


def _place(country_code: str, locale: Locale, part: str) -> str:
    place = str(locale.territories.get(country_code, ""))
    return "" if part == "sms" and len(place) > _LONGEST_PLACE_IN_TEXT else place


def _tidy(text: str) -> str:
    """Without white space at the ends of lines, and never with more than one empty line at a time."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def _time(value: datetime | None, locale: Locale) -> str:
    # Babel takes None for the present moment, which would be a lie.
    if value is None:
        raise UndefinedError("the time is missing that the message speaks of")
    return f"{format_time(value, 'short', locale=locale)} UTC".replace("\u202f", " ")


def _moment(value: datetime | None, locale: Locale) -> str:
    time = _time(value, locale)
    date = format_date(value, "long", locale=locale)
    return str(get_datetime_format("medium", locale=locale)).format(time, date)
