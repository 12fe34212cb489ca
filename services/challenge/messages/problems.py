"""What is wrong with templates and catalogues, said so that it can be mended."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import TemplateNotFound, TemplateSyntaxError

TEMPLATE_ENDING: Final = ".j2"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageProblem:
    """One fault; ``line`` is None where it is none of a line's."""

    file: str
    line: int | None = None
    text: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.text}"


class FaultyMessagesError(Exception):
    """Messages that cannot be sent as they are; it reads as one line for each fault."""

    def __init__(self, problems: Sequence[MessageProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def problem_in_template(error: Exception, file: str) -> MessageProblem:
    """What an error says that came of compiling or rendering; ``file`` where it does not say so itself."""
    if isinstance(error, TemplateSyntaxError):
        return MessageProblem(file=error.filename or file, line=error.lineno, text=error.message or "syntax error")
    # jinja2 writes the template's own lines into the traceback; the last of them is where it happened.
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.endswith(TEMPLATE_ENDING)]
    place, line = (frames[-1].filename, frames[-1].lineno) if frames else (file, None)
    return MessageProblem(file=place, line=line, text=_in_words(error))


def _in_words(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.message}"
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    return str(error) or type(error).__name__
