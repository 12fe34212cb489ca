"""What the tests of messages share: facts, a renderer, and a reader of HTML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser

from services.challenge.messages.facts import MessageFacts
from services.challenge.messages.renderer import MessageRenderer

NOW = datetime(2030, 1, 1, 14, 5, tzinfo=UTC)
LANGUAGES = ["en", "ar", "de", "es", "fr", "ja"]
DEVICES = ["tv", "phone", "tablet", "computer", "console", "set_top_box"]
CODE = "012345"
DOMAIN = "hearthgate.example"


def facts(
    *, code: str = CODE, minutes: int = 10, unsubscribe_url: str = "", disown_url: str = "", **changes: str
) -> MessageFacts:
    """What a message tells of a television in Spain, with changes."""
    parameters = {
        "device_kind": "tv",
        "device_name": "Living room",
        "country_code": "ES",
        "event_time": NOW.isoformat(),
        "due_time": (NOW + timedelta(days=7)).isoformat(),
    }
    return MessageFacts.from_parameters(
        parameters | changes,
        code=code,
        expire_time=NOW + timedelta(minutes=minutes),
        now=NOW,
        unsubscribe_url=unsubscribe_url,
        disown_url=disown_url,
    )


@cache
def messages() -> MessageRenderer:
    """Messages of the default domain, as they come."""
    return MessageRenderer(DOMAIN)


class HtmlReader(HTMLParser):
    """Reads a document, and fails for an element that is left open or closed twice."""

    _VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        assert len(dict(attrs)) == len(attrs), "an attribute stands twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """What a reader sees, styles aside."""
        if self.open and self.open[-1] not in {"style", "title"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The words, with one space between them."""
        return " ".join("".join(self.words).split())

    def links(self) -> list[str]:
        """Where each link leads."""
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]
