"""The command `hearthgate replay`: reads a log, lets the engine judge it, and writes its answers and the figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

import msgspec

from services.device_trust.replay.addresses import AddressDatabaseError, open_addresses
from services.device_trust.replay.rba_dataset import NoRbaDatasetError, RbaParser
from services.device_trust.replay.reader import (
    BrokenLine,
    JsonLinesParser,
    Line,
    LineParser,
    ReadLine,
    SkippedLine,
    read_lines,
)
from services.device_trust.replay.records import Answer, AnswerScores, Judge, Record

LogFormat = Literal["jsonl", "rba"]
EXIT_FINE: Final = 0
EXIT_UNREADABLE: Final = 1
EXIT_BROKEN_LINES: Final = 2
_STDIN: Final = Path("-")
_LINES_A_STEP: Final = 1_000
"""How many lines pass between two movements of the progress bar."""


class Figures(Protocol):
    """Counts right and wrong answers where labels tell which they are."""

    def add(self, record: Record, answer: Answer, persona: str | None, actor: str | None) -> None:
        """Count a labelled record and its answer; a log does not know what kind of people were behind it."""
        ...

    def figures(self) -> dict[str, object]:
        """What was counted, as JSON can say it."""
        ...


def run_replay(
    *,
    source: Path,
    log_format: LogFormat | None = None,
    asn_db: Path | None = None,
    country_db: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
    judge: Judge | None = None,
) -> int:
    """Replay a file, or standard input for ``-``; the result is the exit code.

    0 is fine, 1 a file that can't be read, 2 at least one broken line, told when all others are answered. Answers go to
    standard output, and what is wrong to standard error, as JSON when ``as_json``. ``quiet`` leaves only the figures.
    Without ``judge`` it is the engine.
    """
    notes = _Notes(as_json=as_json)
    tally = _Tally()
    try:
        with ExitStack() as open_files:
            stream = open_files.enter_context(_opened(source))
            addresses = open_files.enter_context(open_addresses(asn_db=asn_db, country_db=country_db))
            parser = RbaParser(addresses) if _is_rba(source, log_format) else JsonLinesParser(addresses)
            lines = _lines_of(source, stream, parser)
            if _has_bar(source, as_json=as_json, quiet=quiet):
                bar = _under_bar(lines, stream, source.stat().st_size, notes)
                lines = open_files.enter_context(closing(bar))
            out = _Out(sys.stdout.buffer, flush=source == _STDIN, quiet=quiet)
            _Replay(judge or _engine(), out, notes, tally).run(lines)
    except (NoRbaDatasetError, _UnreadableError, AddressDatabaseError) as error:
        notes.failure(str(error))
        return EXIT_UNREADABLE
    notes.summary(tally)
    return EXIT_BROKEN_LINES if tally.broken else EXIT_FINE


def _engine() -> Judge:
    from services.device_trust.replay.engine import Engine

    return Engine()


def _new_figures() -> Figures:
    from services.device_trust.simulation.figures import FigureCollector

    return FigureCollector()


class _UnreadableError(Exception):
    """The log can't be read; the message says what to do."""


@contextmanager
def _opened(source: Path) -> Iterator[BinaryIO]:
    if source == _STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream = source.open("rb")
    except OSError as error:
        raise _unreadable(source, error) from None
    with stream:
        yield stream


def _lines_of(source: Path, stream: BinaryIO, parser: LineParser) -> Iterator[Line]:
    """The lines of a log. What goes wrong while answers are written is not the log's fault, and so is not caught."""
    try:
        yield from read_lines(stream, parser)
    except OSError as error:
        raise _unreadable(source, error) from None


def _unreadable(source: Path, error: OSError) -> _UnreadableError:
    advice = "give the path of a .jsonl or .csv file that you may read, or - for standard input"
    return _UnreadableError(f"cannot read {source}: {error.strerror}; {advice}")


def _is_rba(source: Path, log_format: LogFormat | None) -> bool:
    return log_format == "rba" or (log_format is None and source.suffix.lower() == ".csv")


@dataclass(kw_only=True, slots=True)
class _Tally:
    """What became of the lines; empty ones are not counted."""

    lines: int = 0
    answered: int = 0
    broken: int = 0
    skipped: int = 0


class _Replay:
    """Gives each line its due: a record to the judge, a broken line to standard error."""

    def __init__(self, judge: Judge, out: _Out, notes: _Notes, tally: _Tally) -> None:
        self._judge: Final = judge
        self._out: Final = out
        self._notes: Final = notes
        self._tally: Final = tally
        self._figures: Figures | None = None

    def run(self, lines: Iterator[Line]) -> None:
        """Take all lines, then write the figures, where any line had a label."""
        tally = self._tally
        for line in lines:
            tally.lines += 1
            if isinstance(line, ReadLine):
                self._judged(line)
            elif isinstance(line, SkippedLine):
                tally.skipped += 1
            else:
                tally.broken += 1
                self._notes.broken(line)
        self._out.end(self._figures)

    def _judged(self, line: ReadLine) -> None:
        record = line.record
        answer = self._judge.handle(record)
        if answer is None:
            return
        self._tally.answered += 1
        self._out.answer(line.time_text, answer)
        if record.label is not None:
            if self._figures is None:
                self._figures = _new_figures()
            self._figures.add(record, answer, persona=None, actor=None)


# --- Standard output ---


class _AnswerLine(msgspec.Struct):
    time: str
    account: str
    device: str
    event: str
    outcome: str
    standing: str
    scores: AnswerScores
    can_defer: bool
    can_use_code: bool
    reasons: tuple[str, ...]


class _Out:
    """Writes answers; with ``flush`` each is on its way at once, since a world outside waits for it."""

    def __init__(self, stream: BinaryIO, *, flush: bool, quiet: bool) -> None:
        self._stream: Final = stream
        self._flush: Final = flush
        self._quiet: Final = quiet
        self._encode: Final = msgspec.json.Encoder().encode

    def answer(self, time_text: str, answer: Answer) -> None:
        """Write one answer, unless only the figures are wanted."""
        if self._quiet:
            return
        self._stream.write(self._encode(_answer_line(time_text, answer)) + b"\n")
        if self._flush:
            self._stream.flush()

    def end(self, figures: Figures | None) -> None:
        """Write the figures as the last line, where there are any."""
        if figures is not None:
            self._stream.write(self._encode({"figures": figures.figures()}) + b"\n")
        self._stream.flush()


def _answer_line(time_text: str, answer: Answer) -> _AnswerLine:
    return _AnswerLine(
        time=time_text,
        account=answer.account,
        device=answer.device_id,
        event=answer.event,
        outcome=answer.outcome,
        standing=answer.standing,
        scores=answer.scores,
        can_defer=answer.can_defer,
        can_use_code=answer.can_use_code,
        reasons=answer.reasons,
    )


# --- Standard error ---


def _print(text: str) -> None:
    sys.stderr.write(f"{text}\n")


class _Notes:
    """Says what is wrong, and at the end what was done: a line each, for a person or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json: Final = as_json
        self.print: Callable[[str], None] = _print

    def broken(self, line: BrokenLine) -> None:
        """Say what is wrong with a line."""
        self._say(str(line), {"line": line.number, "field": line.field, "error": line.problem})

    def failure(self, problem: str) -> None:
        """Say why there is nothing to replay."""
        self._say(f"hearthgate replay: {problem}", {"error": problem})

    def summary(self, tally: _Tally) -> None:
        """Say how many lines came to what."""
        skipped = f", {tally.skipped:,} skipped (failed sign-ins)" if tally.skipped else ""
        text = f"{tally.lines:,} lines, {tally.answered:,} answered, {tally.broken:,} broken{skipped}"
        self._say(text, msgspec.to_builtins(tally))

    def _say(self, text: str, value: dict[str, object]) -> None:
        self.print(msgspec.json.encode(value).decode() if self._as_json else text)


def _has_bar(source: Path, *, as_json: bool, quiet: bool) -> bool:
    """A bar is for a person who waits for a file, and would tear answers that are shown on the same screen."""
    return source.is_file() and not as_json and sys.stderr.isatty() and (quiet or not sys.stdout.isatty())


def _under_bar(lines: Iterator[Line], stream: BinaryIO, size: int, notes: _Notes) -> Generator[Line, None, None]:
    """The same lines, while a bar shows how much of the file is read; notes are shown above it. It goes at the end."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    notes.print = console.print
    with Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("Replaying", total=size)
        for count, line in enumerate(lines):
            if count % _LINES_A_STEP == 0:
                progress.update(task, completed=stream.tell())
            yield line
    notes.print = _print
