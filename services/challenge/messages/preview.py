"""Messages as files, to be looked at in a browser, and a page that shows all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.challenge.delivery.text_segments import split_text
from services.challenge.messages.checks import sample_facts
from services.challenge.messages.renderer import MessageRenderer

_PAGE: Final = Path(__file__).parent / "preview.html.j2"


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewedMessage:
    """A message of the preview; paths are relative to its folder."""

    language: str
    direction: str
    kind: str
    subject: str
    html: str
    txt: str
    sms: str
    sms_text: str
    segments: int
    encoding: str

    def as_dict(self) -> dict[str, str | int]:
        """All of it, for JSON."""
        return asdict(self)


def write_preview(
    renderer: MessageRenderer, out: Path, *, languages: Sequence[str], kinds: Sequence[str]
) -> list[PreviewedMessage]:
    """Write the messages and their index. Raises OSError where ``out`` cannot be written."""
    written = [_write(renderer, out, language, kind) for kind in kinds for language in languages]
    environment = Environment(
        loader=FileSystemLoader(_PAGE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(_PAGE.name).render(messages=written, kinds=kinds, languages=languages)
    _put(out / "index.html", page)
    return written


def _write(renderer: MessageRenderer, out: Path, language: str, kind: str) -> PreviewedMessage:
    facts = sample_facts(kind)
    email, text = renderer.email(kind, language, facts), renderer.text(kind, language, facts)
    segments = split_text(text)
    message = PreviewedMessage(
        language=language,
        direction=renderer.languages.closest(language).direction,
        kind=kind,
        subject=email.subject,
        html=f"{language}/{kind}.html",
        txt=f"{language}/{kind}.txt",
        sms=f"{language}/{kind}.sms.txt",
        sms_text=text,
        segments=len(segments.parts),
        encoding=segments.data_coding.name,
    )
    _put(out / message.html, email.html)
    _put(out / message.txt, f"Subject: {email.subject}\n\n{email.text}")
    _put(out / message.sms, text + "\n")
    return message


def _put(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
