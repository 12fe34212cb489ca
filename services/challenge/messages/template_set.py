"""The templates: ours, an operator's above them, and how a sentence in them finds its language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    pass_context,
)
from jinja2.runtime import Context
from markupsafe import escape

from libs.runtime.language_tags import tag_chain
from services.challenge.messages.problems import TEMPLATE_ENDING, MessageProblem, problem_in_template

Sentence = str | tuple[str, str]
"""What a catalogue is asked for: a text, or a singular and its plural."""
TEMPLATES: Final = Path(__file__).parents[1] / "templates"
BUILTIN: Final = "builtin"
"""Under this name an override reaches the template in whose place it stands: ``builtin/_layout.html.j2``."""


class TemplateSet:
    """Finds and compiles templates.

    There are two environments over the same files, one for HTML, where everything is escaped, and one for the rest:
    a sentence's template serves both, and escapes as the part that it becomes.
    """

    def __init__(self, overrides: Path | None) -> None:
        folders = [TEMPLATES] if overrides is None else [overrides, TEMPLATES]
        self._plain = _environment(folders, html=False)
        self._html = _environment(folders, html=True)
        self._names = _by_language(_template_names(folders))

    def find(self, kind: str, part: str, tag: str) -> Template:
        """The template of a part: a language's own before the neutral one, a part's own before the whole message's.

        Raises TemplateNotFound for a kind that has none.
        """
        environment = self._html if part == "html" else self._plain
        for language in [*tag_chain(tag), ""]:
            for name in (f"{kind}.{part}{TEMPLATE_ENDING}", f"{kind}{TEMPLATE_ENDING}"):
                if (language, name) in self._names:
                    return environment.get_template(self._names[language, name])
        raise TemplateNotFound(f"{kind}.{part}{TEMPLATE_ENDING}")

    def compile_all(self) -> list[MessageProblem]:
        """Compile every file, also those that no message uses; what is wrong with them."""
        problems = []
        for name in self._names.values():
            for environment in (self._plain, self._html):
                try:
                    environment.get_template(name)
                except (TemplateError, UnicodeDecodeError) as error:
                    problems.append(problem_in_template(error, name))
        return problems

    def sentences(self, *, own: bool) -> set[Sentence]:
        """What the templates say. ``own``: ours alone."""
        names = _template_names([TEMPLATES]) if own else self._names.values()
        prefix = f"{BUILTIN}/" if own else ""
        return {sentence for name in names for sentence in _sentences(self._plain, prefix + name)}


def _environment(folders: list[Path], *, html: bool) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folders), PrefixLoader({BUILTIN: FileSystemLoader(TEMPLATES)})]),
        extensions=["jinja2.ext.i18n"],
        autoescape=html,  # noqa: S701 - what is not HTML is plain text, where "&" stands as it is
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What was checked at the start is what is sent: a file that changes later is not read.
        auto_reload=False,
        cache_size=-1,
    )
    environment.policies["ext.i18n.trimmed"] = True
    _install_gettext(environment, escape if html else str)
    return environment


def _install_gettext(environment: Environment, finish: Callable[[str], str]) -> None:
    """Let sentences be looked up in the ``translations`` of what is being rendered; ``finish`` escapes them."""

    @pass_context
    def gettext(context: Context, message: str) -> str:
        return finish(context.resolve("translations").gettext(message))

    @pass_context
    def ngettext(context: Context, singular: str, plural: str, number: int) -> str:
        return finish(context.resolve("translations").ngettext(singular, plural, number))

    install: Any = environment.install_gettext_callables  # type: ignore[attr-defined]  # added by the extension
    install(gettext, ngettext, newstyle=True)


def _template_names(folders: Iterable[Path]) -> list[str]:
    names = {path.relative_to(folder).as_posix() for folder in folders for path in template_files(folder)}
    return sorted(names)


def template_files(folder: Path) -> list[Path]:
    """Templates in a folder and the folders in it; what begins with a dot is passed over, as Kubernetes' links are."""
    inside = [*folder.glob(f"*{TEMPLATE_ENDING}"), *folder.glob(f"*/*{TEMPLATE_ENDING}")]
    return sorted(path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _by_language(names: Iterable[str]) -> dict[tuple[str, str], str]:
    """Each template's name by the language of its folder ("" without one) and the rest of the name."""
    found = {}
    for name in names:
        folder, _, rest = name.rpartition("/")
        found[folder.replace("_", "-").lower(), rest] = name
    return found


def _sentences(environment: Environment, name: str) -> Iterator[Sentence]:
    loader = environment.loader
    if loader is None:
        return
    source, _, _ = loader.get_source(environment, name)
    extract: Any = environment.extract_translations  # type: ignore[attr-defined]  # added by the extension
    for _, function, message in extract(source):
        # With the arguments that are no text, as None, behind those that are.
        texts = [message] if isinstance(message, str) else [each for each in message if each is not None]
        yield (texts[0], texts[1]) if function == "ngettext" else texts[0]
