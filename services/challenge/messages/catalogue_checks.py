"""Catalogues: every placeholder in its place, every plural form there, nothing left to be translated."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator, Set
from typing import Final

from babel.messages.catalog import Message

from services.challenge.messages.catalogues import DEFAULT_LANGUAGE, CatalogueFile, Language, Languages, parse_locale
from services.challenge.messages.problems import MessageProblem
from services.challenge.messages.template_set import Sentence

# Numbers up to here show every plural form of every language that whole numbers have.
_NUMBERS: Final = range(201)
_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s)?")


def check_catalogues(
    languages: Languages, *, ours: Set[Sentence], all_sentences: Set[Sentence]
) -> list[MessageProblem]:
    """What is wrong with the catalogues. ``ours`` must be translated; ``all_sentences`` are in some template."""
    problems = [problem for file in languages.files for problem in _faults(file, all_sentences)]
    problems.extend(problem for language in languages.by_key.values() for problem in _gaps(language, ours))
    return problems


def _faults(file: CatalogueFile, all_sentences: Set[Sentence]) -> Iterator[MessageProblem]:
    wanted = _count_of_forms(file)
    if file.catalog.num_plurals != wanted:
        text = f"Plural-Forms has {file.catalog.num_plurals} forms; the language has {wanted}"
        yield MessageProblem(file=str(file.path), text=text)
        return
    for message in file.messages():
        fault = _fault(file, message, all_sentences)
        if fault:
            yield MessageProblem(file=str(file.path), line=message.lineno, text=f"{_first_words(message)}: {fault}")


def _fault(file: CatalogueFile, message: Message, all_sentences: Set[Sentence]) -> str:
    """What is wrong with an entry; "" when nothing is, or when it is not translated, which :func:`_gaps` judges."""
    if _sentence(message) not in all_sentences:
        return "no template says this (the first words must be as in messages.pot)"
    if message.fuzzy:
        return "is marked as fuzzy; confirm the translation"
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    if not any(forms):
        return ""
    if (message.pluralizable and len(forms) != file.catalog.num_plurals) or not all(forms):
        return f"needs each of {file.catalog.num_plurals} plural forms"
    return _placeholder_fault(file, message, tuple(map(str, forms)))


def _placeholder_fault(file: CatalogueFile, message: Message, forms: tuple[str, ...]) -> str:
    sentence = _sentence(message)
    wanted = _placeholders(sentence if isinstance(sentence, str) else sentence[1])
    for form, text in enumerate(forms):
        found = _placeholders(text)
        if None in found:
            return "a percent sign must be part of a placeholder such as %(device)s"
        # "A minute" needs no number, where the form stands for one number alone.
        optional = {"minutes", "num"} if message.pluralizable and _stands_for_one_number(file, form) else set()
        if missing := wanted - found - optional:
            return f"lacks {_named(missing)}"
        if unknown := found - wanted:
            return f"has {_named(unknown)}, which the English has not"
    return ""


def _placeholders(text: str) -> set[str | None]:
    return {match[1] for match in _PLACEHOLDER.finditer(text)}


def _named(names: Set[str | None]) -> str:
    return ", ".join(f"%({name})s" for name in sorted(map(str, names)))


def _gaps(language: Language, ours: Set[Sentence]) -> Iterator[MessageProblem]:
    if language.locale.language == DEFAULT_LANGUAGE:
        return
    there = {_sentence(message) for file in language.layers for message in file.messages() if _is_translated(message)}
    missing = sorted(str(each if isinstance(each, str) else each[0]) for each in ours - there)
    if missing:
        file = str(language.layers[-1].path) if language.layers else language.tag
        text = f"{len(missing)} of {len(ours)} sentences are not translated, for instance “{missing[0]}”"
        yield MessageProblem(file=file, text=text)


def _is_translated(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return not message.fuzzy and all(forms)


def _sentence(message: Message) -> Sentence:
    return (message.id[0], message.id[1]) if message.pluralizable else str(message.id)


def _first_words(message: Message) -> str:
    text = message.id[0] if message.pluralizable else str(message.id)
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def _count_of_forms(file: CatalogueFile) -> int:
    """How many forms CLDR has for whole numbers."""
    locale = parse_locale(file.tag)
    return len({locale.plural_form(number) for number in _NUMBERS}) if locale else 2


def _stands_for_one_number(file: CatalogueFile, form: int) -> bool:
    plural = gettext.c2py(file.catalog.plural_expr)
    return sum(plural(number) == form for number in _NUMBERS) == 1
