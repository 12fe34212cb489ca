"""docs/asvs.md keeps to the code: what it names is there, nothing is left out, and its counts are right."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "asvs.md"
ANSWERS: Final = ("met", "met in part", "not met", "not ours", "does not apply")
_ANSWER: Final = re.compile(r"(met in part|not met|not ours|does not apply|met)(?:(?:: |; )(.+))?")
_SPAN: Final = re.compile(r"`([^`]+)`")
_DERIVED: Final = re.compile(r"derive_key\([^)]*\"([^\"]+)\"\)")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a chapter's table."""

    number: str
    level: int
    answer: str
    words: str
    where: tuple[str, ...]


def tables() -> dict[str, list[list[str]]]:
    """The lines of each table, without its head, by the heading above it."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("|"):
            found.setdefault(heading, []).append([cell.strip() for cell in line.strip("|").split("|")])
    return {name: lines[2:] for name, lines in found.items()}


def rows() -> list[Row]:
    """The requirements, as the chapters' tables answer them."""
    return [_row(cells) for name, lines in tables().items() if re.match(r"V\d+ ", name) for cells in lines]


def _row(cells: list[str]) -> Row:
    number, level, _, answer, where = cells
    match = _ANSWER.fullmatch(answer)
    assert match is not None, f"{number}: {answer!r} is none of the answers"
    spans = tuple(_SPAN.findall(where))
    return Row(number=number, level=int(level), answer=match[1], words=match[2] or "", where=spans)


def standard() -> dict[str, int]:
    """Number and level of each requirement that has to stand on the page."""
    lines = (Path(__file__).parent / "asvs_5_0_0.txt").read_text().splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return {number: int(level) for number, level in pairs}


def problem_of(reference: str, root: Path = ROOT) -> str | None:
    """What is wrong with a ``path::name``; None where it is there."""
    path, _, name = reference.partition("::")
    file = root / path
    if not name or not file.is_file():
        return f"{reference}: no such file, or no name"
    there = name in names_of_tests(file) if path.startswith("tests/") else name in file.read_text()
    return None if there else f"{reference}: not in that file"


@cache
def names_of_tests(file: Path) -> frozenset[str]:
    """The test functions that a file defines."""
    nodes = ast.walk(ast.parse(file.read_text()))
    functions = (node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in functions if name.startswith("test_"))


def test_every_requirement_stands_there_once_with_its_level() -> None:
    answered = rows()
    assert len(answered) == len({row.number for row in answered})
    assert {row.number: row.level for row in answered} == standard()


def test_every_test_and_every_line_that_is_named_is_there() -> None:
    problems = [problem_of(reference) for row in rows() for reference in row.where]
    assert not [problem for problem in problems if problem]


@pytest.mark.parametrize(
    "reference",
    [
        "tests/unit/docs/test_asvs.py::test_that_nobody_wrote",
        "tests/unit/docs/test_asvs.py::problem_of",
        "tests/unit/docs/nothing.py::test_x",
        "docs/asvs.md::words that stand " + "nowhere in it",
        "docs/asvs.md",
    ],
)
def test_a_name_that_is_not_there_would_be_found(reference: str) -> None:
    assert problem_of(reference)


def test_what_is_met_says_where_and_what_is_not_says_why() -> None:
    for row in rows():
        assert row.words or row.answer == "met", f"{row.number} says {row.answer} and not why"
        assert len(row.where) <= 3, f"{row.number} names too much"
        assert row.where or row.answer not in ("met", "met in part"), f"{row.number} does not say where"


def test_the_summary_counts_what_the_tables_say() -> None:
    by_chapter: dict[str, Counter[str]] = {}
    for row in rows():
        by_chapter.setdefault(row.number.split(".")[0], Counter())[row.answer] += 1
    *chapters, last = tables()["Summary"]
    told = {cells[0].split()[0]: [int(cell) for cell in cells[1:]] for cells in chapters}
    counted = {name: [count.total(), *(count[answer] for answer in ANSWERS)] for name, count in by_chapter.items()}
    assert told == counted
    assert [int(cell) for cell in last[1:]] == [sum(column) for column in zip(*counted.values(), strict=True)]


def test_whatever_is_not_met_stands_in_the_list_of_what_lacks_once() -> None:
    listed = [number for cells in tables()["What lacks"] for number in cells[0].split(", ")]
    lacking = [row.number for row in rows() if row.answer in ("met in part", "not met")]
    assert sorted(listed) == sorted(lacking)
    assert all(all(cells) for cells in tables()["What lacks"])


def test_each_derived_key_stands_in_the_inventory() -> None:
    inventory = (ROOT / "docs" / "cryptography.md").read_text()
    sources = [file.read_text() for file in (ROOT / "services").rglob("*.py")]
    purposes = {purpose for source in sources for purpose in _DERIVED.findall(source)}
    assert len(purposes) > 10
    assert not [purpose for purpose in sorted(purposes) if f"`{purpose}`" not in inventory]
