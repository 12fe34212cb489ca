"""What the demo shows: who does what, what comes back, and whether it was right."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text


class StoryError(Exception):
    """A step came out otherwise than it must; the text says what was expected and what came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """How a step came out. ``decision_id`` leads to ExplainDecision (or ExplainPlan for a download plan)."""

    outcome: str
    decision_id: str


@dataclass(kw_only=True, slots=True)
class Screen:
    """The terminal. Quiet, it shows the last line alone."""

    console: Console
    started: float = field(default_factory=time.monotonic)
    _chapters: int = 0

    def chapter(self, title: str) -> None:
        """A new part of the story."""
        self._chapters += 1
        self.console.print()
        self.console.rule(f"[bold]{self._chapters}  {title}[/bold]", align="left", style="dim")

    def says(self, who: str, action: str, answer: str = "", *, good: bool | None = None) -> None:
        """Somebody does something, and what comes back."""
        line = Text(action)
        if answer:
            style = "default" if good is None else ("green" if good else "yellow")
            line.append("  →  ", style="dim").append(answer, style=style)
        self._row(Text(who, style="cyan"), line)

    def event(self, text: str) -> None:
        """What the stack does before the story begins."""
        self.console.print(Text(f"· {text}", style="dim"))

    def note(self, text: str) -> None:
        """A word to the reader."""
        self._row(Text(), Text(text, style="dim italic"))

    def _row(self, left: Text, right: Text) -> None:
        """Two columns, the right one wrapped below itself."""
        row = Table.grid(padding=(0, 2))
        row.add_column(width=26, no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(Text("  ") + left, right)
        self.console.print(row)

    def finish(self, steps: dict[str, Step], error: str = "") -> int:
        """The last line: one JSON object with what happened. The result is the exit code."""
        report: dict[str, object] = {
            "ok": not error,
            "seconds": round(time.monotonic() - self.started, 1),
            "steps": {name: {"outcome": step.outcome, "decision_id": step.decision_id} for name, step in steps.items()},
        }
        if error:
            report["error"] = error
        print(json.dumps(report, ensure_ascii=False), flush=True)
        return 1 if error else 0


def expect(what: str, actual: object, *wanted: object) -> None:
    """Go on only if ``actual`` is one of the wanted. Raises StoryError."""
    if actual not in wanted:
        raise StoryError(f"{what}: expected {' or '.join(str(each) for each in wanted)}, got {actual}")
