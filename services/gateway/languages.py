"""What people read, in their language: gettext catalogues in ``locale``, English where there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel.messages.pofile import read_po

from libs.runtime.language_tags import tag_chain

LOCALE_FOLDER: Final = Path(__file__).parent / "locale"
Say = Callable[[str], str]
"""From an English sentence to the same in a language."""
_ENGLISH: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Languages:
    """What each English sentence is in each language, by the language's tag in lower case."""

    by_key: Mapping[str, Mapping[str, str]]

    def closest(self, tag: str) -> Say:
        """The language of a BCP 47 tag, or that which it is a region's form of, or English."""
        found = (self.by_key[key] for key in tag_chain(tag) if key in self.by_key)
        sentences = next(found, _ENGLISH)
        return lambda english: sentences.get(english, english)


def read_languages() -> Languages:
    """Every ``<tag>.po`` of ``locale``. Raises PoFileError for one that cannot be read."""
    return Languages(by_key={path.stem.lower(): _read(path) for path in sorted(LOCALE_FOLDER.glob("*.po"))})


def _read(path: Path) -> Mapping[str, str]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem.replace("-", "_"), ignore_obsolete=True, abort_invalid=True)
    translated = (message for message in catalogue if message.id and message.string and not message.fuzzy)
    return {str(message.id): str(message.string) for message in translated}
