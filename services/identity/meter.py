"""The password meter: zxcvbn in a process of its own, asked one password at a time, ended where it takes too long."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from libs.runtime.errors import ErrorReason, ServiceError
from libs.runtime.logging import get_logger
from services.identity.domain.strength import Strength, Suggestion, Warning

MEASURED_CHARACTERS: Final = 40
"""Of a password; the rest only makes it stronger. Ours: the worst case is 50 ms at 40 characters, and 250 at 64."""
_WORDS: Final = 12
_WORD_CHARACTERS: Final = 40
_WAITERS: Final = 8
"""Ours: some tens of milliseconds' work; a meter that answers late is of no use to somebody who types."""
_LONGEST: Final = 1.0
"""Seconds for one password, with the processors busy."""
_RETRY_AFTER: Final = timedelta(seconds=1)
_WORKER: Final = Path(__file__).with_name("meter_worker.py")
_LOG = get_logger(__name__)

_WARNINGS: Final = MappingProxyType(
    {
        "StraightRowsOfKeysAreEasyToGuess": Warning.KEY_ROW,
        "ShortKeyboardPatternsAreEasyToGuess": Warning.KEY_PATTERN,
        "RepeatsLikeAaaAreEasyToGuess": Warning.REPEATED_CHARACTER,
        "RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess": Warning.REPEATED_TEXT,
        "ThisIsATop10Password": Warning.COMMON,
        "ThisIsATop100Password": Warning.COMMON,
        "ThisIsACommonPassword": Warning.COMMON,
        "ThisIsSimilarToACommonlyUsedPassword": Warning.NEARLY_COMMON,
        "SequencesLikeAbcAreEasyToGuess": Warning.SEQUENCE,
        "RecentYearsAreEasyToGuess": Warning.YEAR,
        "DatesAreOftenEasyToGuess": Warning.DATE,
        "AWordByItselfIsEasyToGuess": Warning.WORD,
        "NamesAndSurnamesByThemselvesAreEasyToGuess": Warning.NAME,
        "CommonNamesAndSurnamesAreEasyToGuess": Warning.NAME,
    }
)
_SUGGESTIONS: Final = MappingProxyType(
    {
        "UseAFewWordsAvoidCommonPhrases": Suggestion.SEVERAL_WORDS,
        "NoNeedForSymbolsDigitsOrUppercaseLetters": Suggestion.NO_NEED_FOR_SYMBOLS,
        "AddAnotherWordOrTwo": Suggestion.ANOTHER_WORD,
        "CapitalizationDoesntHelpVeryMuch": Suggestion.CAPITALS_HELP_LITTLE,
        "AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase": Suggestion.ALL_CAPITALS_HELP_LITTLE,
        "ReversedWordsArentMuchHarderToGuess": Suggestion.BACKWARDS_HELPS_LITTLE,
        "PredictableSubstitutionsDontHelpVeryMuch": Suggestion.SUBSTITUTION_HELPS_LITTLE,
        "UseALongerKeyboardPatternWithMoreTurns": Suggestion.LONGER_KEY_PATTERN,
        "AvoidRepeatedWordsAndCharacters": Suggestion.AVOID_REPETITION,
        "AvoidSequences": Suggestion.AVOID_SEQUENCES,
        "AvoidRecentYears": Suggestion.AVOID_YEARS,
        "AvoidYearsThatAreAssociatedWithYou": Suggestion.AVOID_YEARS,
        "AvoidDatesAndYearsThatAreAssociatedWithYou": Suggestion.AVOID_DATES,
    }
)


class Meter:
    """Measures passwords; close it at the end. The process is started with ``start`` or at the first question."""

    def __init__(self, *, longest: float = _LONGEST, waiters: int = _WAITERS) -> None:
        self._longest = longest
        self._room = waiters + 1
        self._turn = asyncio.Lock()
        self._process: Process | None = None

    async def start(self) -> None:
        """Start the process before there is anything else to do: a process that serves forks less well."""
        self._process = await _start()

    async def measure(self, normalized: str, words: Iterable[str]) -> Strength:
        """How hard the password is to guess for somebody who knows ``words``.

        Raises OVERLOADED where too many wait, or this one took too long.
        """
        if self._room < 1:
            raise _overloaded("too many passwords are being measured")
        self._room -= 1
        try:
            async with self._turn:
                return _strength(await self._ask(normalized, words))
        finally:
            self._room += 1

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            # Its pipes, too, are closed when it is communicated with to the end.
            await process.communicate()

    async def _ask(self, normalized: str, words: Iterable[str]) -> str:
        known = sorted(words)[:_WORDS]
        question = {"text": normalized[:MEASURED_CHARACTERS], "words": [each[:_WORD_CHARACTERS] for each in known]}
        answered = False
        try:
            async with asyncio.timeout(self._longest):
                answer = await self._exchange(json.dumps(question).encode() + b"\n")
            answered = True
        except (TimeoutError, OSError, EOFError) as error:
            _LOG.warning("password meter starts anew", error=type(error).__name__)
            raise _overloaded("the meter took too long, or ended") from None
        finally:
            if not answered:
                # Also where the caller gave up: what comes out of it now is no answer to the next question.
                await self.close()
        return answer

    async def _exchange(self, question: bytes) -> str:
        if self._process is None:
            self._process = await _start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question)
        await process.stdin.drain()
        answer = await process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        return answer.decode()


async def _start() -> Process:
    return await asyncio.create_subprocess_exec(
        # -I: nothing of this process's environment and folder decides what it imports.
        *(sys.executable, "-I", str(_WORKER)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={},
    )


def _strength(answer: str) -> Strength:
    said = json.loads(answer)
    # The library may say something new one day; the score stands without it.
    suggestions = (_SUGGESTIONS[each] for each in said["suggestions"] if each in _SUGGESTIONS)
    return Strength(
        score=said["score"],
        guesses_log10=said["guesses_log10"],
        warning=_WARNINGS.get(said["warning"]),
        suggestions=tuple(dict.fromkeys(suggestions)),
    )


def _overloaded(detail: str) -> ServiceError:
    return ServiceError(ErrorReason.OVERLOADED, detail=detail, retry_after=_RETRY_AFTER)
