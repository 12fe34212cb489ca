"""An operator's folder: what in it would have no effect is an error, so that nobody waits for it in vain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from libs.runtime.language_tags import tag_chain
from services.challenge.messages.catalogues import CatalogueFile, Languages, parse_locale
from services.challenge.messages.kinds import KINDS, PARTS
from services.challenge.messages.problems import TEMPLATE_ENDING, MessageProblem
from services.challenge.messages.template_set import TEMPLATES, template_files

_OF_A_MESSAGE: Final = frozenset(
    f"{name}{TEMPLATE_ENDING}" for kind in KINDS for name in (kind, *(f"{kind}.{part}" for part in PARTS))
)


def folder_tags(overrides: Path | None, files: Sequence[CatalogueFile]) -> list[str]:
    """The regions (de-AT) that have a folder of templates and no catalogue: their words are their language's."""
    known = {"en", *(file.tag.lower() for file in files)}
    tags = sorted({path.parent.name for path in _in_folders(overrides) if parse_locale(path.parent.name)})
    return [tag.replace("_", "-") for tag in tags if not known.isdisjoint(tag_chain(tag))]


def misplaced(overrides: Path | None, languages: Languages) -> list[MessageProblem]:
    """Files that would never be used, by the name that they have or the folder that they are in."""
    if overrides is None:
        return []
    ours = {path.name for path in template_files(TEMPLATES)}
    deep = [path for path in sorted(overrides.glob("*/*.po")) if not path.parent.name.startswith(".")]
    problems = [MessageProblem(file=str(path), text="catalogues are read in the folder above alone") for path in deep]
    for path in template_files(overrides):
        folder = "" if path.parent == overrides else path.parent.name
        fault = _fault(path.name, folder, ours, languages)
        if fault:
            problems.append(MessageProblem(file=str(path), text=fault))
    return problems


def _fault(name: str, folder: str, ours: set[str], languages: Languages) -> str:
    if folder and tag_chain(folder)[0] not in languages.by_key:
        return f"there is no catalogue for the language {folder}; put {folder}.po beside the folder"
    if folder and name in ours and name.startswith("_"):
        return "only whole messages have a form for one language; put it in the folder above, for all of them"
    if name.startswith("_") or name in _OF_A_MESSAGE:
        return ""
    return f"no message has this name; there are <kind>.j2 and <kind>.<part>.j2 with a kind of {', '.join(KINDS)}"


def _in_folders(overrides: Path | None) -> list[Path]:
    return [] if overrides is None else [path for path in template_files(overrides) if path.parent != overrides]
