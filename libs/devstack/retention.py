"""The commands `hearthgate retention ...`: the policies of all services, shown, or applied once to one of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from libs.persistence.retention import Outcome, Policy
    from libs.persistence.retention_job import RetentionSettings

_GROUP_HELP: Final = "See how long what is kept and why, and delete what is past it."

_SHOW_HELP: Final = """Print what each service keeps, how long and why, as its variables in the environment set it.

Examples:

  hearthgate retention show                              tables for people

  hearthgate retention show --service identity --json    for a program

  hearthgate retention show --markdown                   what docs/retention.md is made of
"""

_RUN_HELP: Final = """Delete, once, what a service keeps no longer; or, with --dry-run, count it.

The service does so itself now and then, unless it is told HEARTHGATE_RETENTION_LOOP=false; then a scheduled job must.
HEARTHGATE_DATABASE_URL names the service's database; the service's own variables say how long things are kept. Rows go
a thousand at a time, beside running traffic, and it may run in several places at once.

Exit codes: 0 when every rule was applied; 1 when one failed, or the database was away; 78 for wrong settings.

Examples:

  hearthgate retention run --service gateway --dry-run

  hearthgate retention run --service gateway --json
"""


class Service(StrEnum):
    """Whose retention."""

    IDENTITY = "identity"
    DEVICE_TRUST = "device_trust"
    CHALLENGE = "challenge"
    DOWNLOAD_PLANNING = "download_planning"
    GATEWAY = "gateway"


_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer, paragraphs: Callable[[str], str]) -> None:
    """Add the commands to an application; ``paragraphs`` makes a help text fit for the terminal."""
    retention = typer.Typer(name="retention", help=_GROUP_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    retention.command(name="show", help=paragraphs(_SHOW_HELP))(_show)
    retention.command(name="run", help=paragraphs(_RUN_HELP))(_run)
    app.add_typer(retention, short_help="See how long what is kept, and delete what is past it.")


def settings_of(service: Service) -> type[RetentionSettings]:
    """The settings that a service's policy is made of."""
    from services.challenge.retention import ChallengeRetention
    from services.device_trust.retention import DeviceTrustRetention
    from services.download_planning.retention import DownloadPlanningRetention
    from services.gateway.retention import GatewayRetention
    from services.identity.retention import IdentityRetention

    known: dict[Service, type[RetentionSettings]] = {
        Service.IDENTITY: IdentityRetention,
        Service.DEVICE_TRUST: DeviceTrustRetention,
        Service.CHALLENGE: ChallengeRetention,
        Service.DOWNLOAD_PLANNING: DownloadPlanningRetention,
        Service.GATEWAY: GatewayRetention,
    }
    return known[service]


def default_policies() -> list[Policy]:
    """The policies of all services with their defaults, whatever the environment says."""
    return [settings_of(each).model_construct().retention_policy() for each in Service]


def markdown(policies: Sequence[Policy]) -> str:
    """The policies as a page."""
    return "\n".join([*_HEAD, *(line for policy in policies for line in _section(policy))])


def _show(
    service: Annotated[Service | None, typer.Option(help="This one alone.")] = None,
    as_json: _AsJson = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page docs/retention.md, with the defaults.")
    ] = False,
) -> None:
    """Show."""
    if as_markdown:
        typer.echo(markdown(default_policies()), nl=False)
        return
    policies = [_policy_of(each) for each in Service if service in (None, each)]
    if as_json:
        typer.echo(json.dumps({policy.service: _as_dict(policy) for policy in policies}))
        return
    for policy in policies:
        _print_table(policy)


def _run(
    service: Annotated[Service, typer.Option(help="Whose database.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and delete nothing.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Run."""
    from libs.persistence.retention_job import outcomes_as_dict, run_once
    from libs.runtime.errors import ServiceError
    from libs.runtime.settings import load_settings

    settings = load_settings(settings_of(service))
    try:
        outcomes = asyncio.run(run_once(settings, dry_run=dry_run))
    except ServiceError as error:
        typer.echo(f"{error.reason}: {error.detail}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(outcomes_as_dict(service, outcomes, dry_run=dry_run)))
    else:
        _print_outcomes(outcomes, dry_run=dry_run)
    raise typer.Exit(1 if any(each.failure for each in outcomes) else 0)


def _policy_of(service: Service) -> Policy:
    """As the environment sets it; no database is needed to show it."""
    from libs.runtime.settings import load_settings

    settings = load_settings(settings_of(service), database_url="postgresql://not-asked")
    return settings.retention_policy()


def _as_dict(policy: Policy) -> dict[str, object]:
    rules = [
        {
            "table": rule.table,
            "what": rule.what,
            "keep_seconds": int(rule.keep.total_seconds()),
            "since": rule.since,
            "why": rule.why,
            "setting": rule.setting,
        }
        for rule in policy.rules
    ]
    return {"rules": rules, "bounded": dict(policy.bounded), "catalogue": dict(policy.catalogue)}


def _print_table(policy: Policy) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table("Table", "What", "Kept", "Since", "Why", "Setting", box=SIMPLE_HEAD, title=policy.service)
    for rule in policy.rules:
        table.add_row(rule.table, rule.what, length(rule.keep), rule.since, rule.why, rule.setting)
    for name, why in (*policy.bounded.items(), *policy.catalogue.items()):
        table.add_row(name, "", "always", "", why, "")
    Console().print(table)


def _print_outcomes(outcomes: Sequence[Outcome], *, dry_run: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table("Table", "What", "Before", "To go" if dry_run else "Gone", box=SIMPLE_HEAD)
    for each in outcomes:
        table.add_row(each.table, each.what, f"{each.before:%Y-%m-%d %H:%M} UTC", each.failure or str(each.rows))
    Console().print(table)


def length(keep: timedelta) -> str:
    """In days, as the settings count; what ends by itself is kept no longer."""
    if not keep:
        return "no longer"
    return "1 day" if keep.days == 1 else f"{keep.days} days"


_HEAD: Final = (
    "# What is kept, how long and why",
    "",
    "Made by `hearthgate retention show --markdown` from the policies in `services/*/retention.py`, with their",
    "defaults; a test holds it to them. How it is applied stands in [deployment.md](deployment.md#retention).",
    "",
)


def _section(policy: Policy) -> Iterator[str]:
    yield from (
        f"## {policy.service}",
        "",
        "| table | what | kept | since | why | setting |",
        "|---|---|---|---|---|---|",
    )
    for rule in policy.rules:
        setting = f"`{rule.setting}`" if rule.setting else "–"
        yield f"| `{rule.table}` | {rule.what} | {length(rule.keep)} | {rule.since} | {rule.why} | {setting} |"
    yield ""
    for heading, tables in (("Bounded, so kept", policy.bounded), ("Catalogue", policy.catalogue)):
        if tables:
            yield f"{heading}:"
            yield ""
            yield from (f"- `{name}`: {why}" for name, why in tables.items())
            yield ""
