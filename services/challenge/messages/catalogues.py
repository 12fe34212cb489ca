"""Languages: gettext catalogues in layers, ours below an operator's, a region's above its language's."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from libs.runtime.language_tags import tag_chain
from services.challenge.messages.problems import MessageProblem

LOCALE_FOLDER: Final = Path(__file__).parents[1] / "locale"
DEFAULT_LANGUAGE: Final = "en"
"""The language of the message ids themselves."""
_TAG: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueFile:
    """A catalogue as it was read; ``own`` where it is of this repository, not an operator's."""

    path: Path
    tag: str
    catalog: Catalog
    own: bool

    def messages(self) -> Iterator[Message]:
        """Its entries, without the header."""
        return (message for message in self.catalog if message.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """A language that messages are written in; ``layers`` with what counts most first."""

    tag: str
    locale: Locale
    layers: tuple[CatalogueFile, ...]
    translations: gettext.NullTranslations

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)


@dataclass(frozen=True, kw_only=True, slots=True)
class Languages:
    """Every language, by its tag in lower case."""

    by_key: Mapping[str, Language]
    files: tuple[CatalogueFile, ...]

    def closest(self, tag: str) -> Language:
        """The language of a BCP 47 tag, or that which it is a region's form of, or English."""
        found = (self.by_key[key] for key in tag_chain(tag) if key in self.by_key)
        return next(found, self.by_key[DEFAULT_LANGUAGE])

    @property
    def tags(self) -> list[str]:
        """The tags, English first."""
        return sorted((each.tag for each in self.by_key.values()), key=lambda tag: (tag != DEFAULT_LANGUAGE, tag))


def parse_locale(tag: str) -> Locale | None:
    """CLDR's locale of a tag; None where it has none."""
    if not _TAG.fullmatch(tag):
        return None
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def read_catalogues(folders: Iterable[tuple[Path, bool]]) -> tuple[list[CatalogueFile], list[MessageProblem]]:
    """The ``<tag>.po`` of some folders, each told whether it is our own; and what could not be read."""
    files: list[CatalogueFile] = []
    problems: list[MessageProblem] = []
    for folder, own in folders:
        for path in sorted(folder.glob("*.po")):
            read = _read(path, own)
            if isinstance(read, MessageProblem):
                problems.append(read)
            else:
                files.append(read)
    return files, problems


def _read(path: Path, own: bool) -> CatalogueFile | MessageProblem:
    locale = parse_locale(path.stem)
    if locale is None:
        return MessageProblem(file=str(path), text="its name must be a language's tag, for instance nl.po or pt-BR.po")
    try:
        with path.open("rb") as file:
            catalog = read_po(file, locale=locale, ignore_obsolete=True, abort_invalid=True)
        # Compiled once here, where what is wrong with Plural-Forms can still be told.
        _translations(catalog)
    except PoFileError as error:
        what, _, _ = str(error).rpartition(" on ")
        return MessageProblem(file=str(path), line=error.lineno + 1, text=f"{what}: {error.line.strip()!r}")
    except UnicodeDecodeError:
        return MessageProblem(file=str(path), text="is not UTF-8")
    except (ValueError, OSError) as error:
        return MessageProblem(file=str(path), text=f"cannot be read: {error}")
    return CatalogueFile(path=path, tag=path.stem.replace("_", "-"), catalog=catalog, own=own)


def build_languages(files: Sequence[CatalogueFile], tags: Iterable[str] = ()) -> Languages:
    """English, the files' languages, and ``tags`` that need no catalogue of their own."""
    spelled = {tag.lower(): tag for tag in (DEFAULT_LANGUAGE, *tags, *(file.tag for file in files))}
    languages = {key: _build_language(tag, files) for key, tag in spelled.items()}
    return Languages(by_key=languages, files=tuple(files))


def _build_language(tag: str, files: Sequence[CatalogueFile]) -> Language:
    # A region's before its language's; of one tag an operator's, which were read last, before ours.
    layers = [file for key in tag_chain(tag) for file in reversed(files) if file.tag.lower() == key]
    translations = gettext.NullTranslations()
    for layer in reversed(layers):
        above = _translations(layer.catalog)
        above.add_fallback(translations)
        translations = above
    locale = parse_locale(tag) or Locale.parse(DEFAULT_LANGUAGE)
    return Language(tag=tag, locale=locale, layers=tuple(layers), translations=translations)


def _translations(catalog: Catalog) -> gettext.NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
