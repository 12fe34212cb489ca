"""The commands `hearthgate replay` and `hearthgate simulate`: what a person types; the work is done elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

_REPLAY_HELP: Final = """Run the engine over a log of your own, and see what it would have answered.

FILE has one JSON object a line, of any account, in the order of time:

  {"time": "2030-01-31T18:00:00Z", "account": "a1", "event": "start", "ip": "203.0.113.7",

   "device": {"id": "d1", "kind": "TV", "platform": "TIZEN"}, "asn": 64500, "country": "NL", "label": "household"}

event is one of sign_in, start, heartbeat, stop, code_passed, code_failed, deferred.

A device's kind is one of TV, PHONE, TABLET, COMPUTER, CONSOLE, SET_TOP_BOX; its platform one of ANDROID, IOS, WEB,
ANDROID_TV, TVOS, TIZEN, WEBOS, ROKU, FIRE_OS, WINDOWS, MACOS, OTHER; in any letters, and by common other names (smart
tv, stb, desktop, apple tv). A platform that is missing or unknown is OTHER; a kind that is missing is guessed from the
platform, or else COMPUTER. asn, country, profile and label (household, outsider, thief) may be missing; other keys are
passed over.

Each sign_in and start is answered with a line on standard output:

  {"time", "account", "device", "event", "outcome": "ALLOWED|ALLOWED_UNTIL|VERIFICATION_REQUIRED|DENIED",

   "standing", "scores": {"household", "outsider", "thief"}, "can_defer", "can_use_code", "reasons"}

Where lines have labels, the last line is {"figures": {...}}. The clock is the records' own. With - as FILE, each line
of standard input is answered at once, so that a world outside can react to the answer.

A .csv file is read as rba-dataset.csv (Wiefling et al.), by its public column names: successful sign-ins alone, a
user's device being the browser's user-agent string, since the data set has no cookies; account takeovers are thieves,
and all others the household.

A broken line is named on standard error with its number, its field, and what is wrong; the rest goes on. Exit codes: 0
when all is fine; 1 when FILE can't be read; 2 when a line was broken, or the command was.

Examples:

  hearthgate replay log.jsonl > answers.jsonl             answers in a file, broken lines on the screen

  hearthgate replay log.jsonl --quiet                     the figures alone

  hearthgate replay log.jsonl --asn-db GeoLite2-ASN.mmdb --country-db GeoLite2-Country.mmdb

  my-world | hearthgate replay - | my-world-reads         line by line
"""

_SIMULATE_HELP: Final = """Play households, outsiders with a lent password, and thieves against the engine; measure it.

A world is made from a seed: homes with their devices, journeys and new televisions; friends who were lent a password;
thieves who bought or guessed one. Each reacts to the answers that it gets. The figures say how often each was let in,
asked for a code or refused, how sure they are, and how simpler rules beside the engine would have fared.

The same seed gives the same figures. Several seeds run beside each other in processes of their own.

Examples:

  hearthgate simulate                                     the world that the documentation speaks of

  hearthgate simulate --accounts 200 --days 60 --seed 1   a small one, in seconds

  hearthgate simulate --seed 1 --seed 2 --json            two worlds, for a program

  hearthgate simulate --plots plots                       with pictures of the curves

  hearthgate simulate --fit model.json                    learn the weights anew, from the development families
"""


def register(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the commands to an application; ``paragraphs`` makes a help text fit for the terminal."""
    app.command(name="replay", help=paragraphs(_REPLAY_HELP))(_replay)
    app.command(name="simulate", help=paragraphs(_SIMULATE_HELP))(_simulate)


def _replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The log; - reads standard input.")],
    log_format: Annotated[
        Literal["jsonl", "rba"] | None,
        typer.Option("--format", help="What FILE is; without it, rba for .csv and jsonl for all else."),
    ] = None,
    asn_db: Annotated[
        Path | None, typer.Option(metavar="FILE.mmdb", help="Looks up each missing asn, offline (GeoLite2, DB-IP).")
    ] = None,
    country_db: Annotated[
        Path | None, typer.Option(metavar="FILE.mmdb", help="Looks up each missing country, offline.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say on standard error what is wrong as JSON lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No answers: the figures alone.")] = False,
) -> None:
    """Replay a log."""
    from services.device_trust.replay.run import run_replay

    raise typer.Exit(
        run_replay(
            source=file, log_format=log_format, asn_db=asn_db, country_db=country_db, as_json=as_json, quiet=quiet
        )
    )


def _simulate(
    accounts: Annotated[int | None, typer.Option(help="How many households.", min=1)] = None,
    days: Annotated[int | None, typer.Option(help="How many days are played.", min=1)] = None,
    seed: Annotated[list[int] | None, typer.Option(help="A world's seed; may be repeated.", min=0)] = None,
    parameters: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Takes the place of the world's parameters.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the curves into this folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show the figures alone, without progress.")] = False,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Measure simpler rules beside the engine, too.")
    ] = True,
    jobs: Annotated[int | None, typer.Option(help="How many processes work beside each other.", min=1)] = None,
    fit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fit the scorer's weights to the development families into FILE; no report."),
    ] = None,
) -> None:
    """Play a world."""
    if fit is not None:
        from services.device_trust.simulation.fit import run_fit

        raise typer.Exit(
            run_fit(fit, parameters=parameters, accounts=accounts, days=days, seeds=seed, jobs=jobs, quiet=quiet)
        )
    from services.device_trust.simulation.run import run_simulate

    # What is not given is the simulation's to choose; its defaults stand there, once.
    chosen: dict[str, Any] = {"accounts": accounts, "days": days, "jobs": jobs}
    given = {name: value for name, value in chosen.items() if value is not None}
    raise typer.Exit(
        run_simulate(
            seeds=seed or None,
            parameters=parameters,
            plots=plots,
            as_json=as_json,
            quiet=quiet,
            baselines=baselines,
            **given,
        )
    )
