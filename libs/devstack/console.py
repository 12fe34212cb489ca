"""What `hearthgate up` shows a person."""

from __future__ import annotations

import shlex
import sys
from typing import Final

from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from libs.devstack.secrets import FILE_NAME
from libs.devstack.stack import Stack
from libs.testing.smsc_messages import ReceivedText
from libs.testing.smtp import ReceivedMail

_SAMPLE = "hearthgate.gateway.v1.PlaybackService/GetGrantKeys"

_COLOURS: Final = {
    "gateway": "bold blue",
    "identity": "magenta",
    "device_trust": "yellow",
    "challenge": "cyan",
    "download_planning": "green",
}


class UpConsole:
    """The terminal of `up`; silent where a program reads its output."""

    def __init__(self, *, silent: bool) -> None:
        self._console = Console(stderr=silent, quiet=silent, highlight=False)
        self._status: Status | None = None

    def event(self, text: str) -> None:
        """What the stack does. On a terminal something turns beside it until :meth:`settled`."""
        self._console.print(Text(f"· {text}", style="dim"))
        if self._console.is_terminal and self._status is None:
            self._status = self._console.status("")
            self._status.start()

    def settled(self) -> None:
        """Nothing is under way. Safe to call twice."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def warning(self, service: str, line: str) -> None:
        """A service logged something that a person should see."""
        name = Text(f"{service:<18}", style=_COLOURS.get(service, "white"))
        self._console.print(name + Text(line), soft_wrap=True)

    def mail(self, mail: ReceivedMail) -> None:
        """A mail that arrived."""
        body = f"to {', '.join(mail.recipients)}\n\n{mail.text.strip()}"
        self._console.print(Panel(Text(body), title=f"✉  {mail.subject}", title_align="left", border_style="cyan"))

    def text(self, text: ReceivedText) -> None:
        """A text message that arrived."""
        title = f"✆  text message to {text.destination}"
        self._console.print(Panel(Text(text.text), title=title, title_align="left", border_style="green"))

    def ready(self, stack: Stack) -> None:
        """Everything runs: where, and lines to paste."""
        self.settled()
        table = Table("service", "gRPC", "health", "process", box=None, header_style="dim")
        for service, address in stack.addresses.items():
            name = Text(service, style=_COLOURS.get(service, "white"))
            table.add_row(name, address, Text("SERVING", style="green"), str(stack.process(service).pid))
        self._console.print()
        self._console.print(table)
        self._console.print()
        mail = "shown here" if stack.inbox else "sent to your SMTP server"
        texts = "shown here" if stack.smsc else "sent to your SMSC"
        self._console.print(Text(f"Mails are {mail}; text messages are {texts}. Data and logs: {stack.data_dir}"))
        self._console.print(Text("\nTry:", style="bold"))
        for line in lines_to_paste(stack):
            # Unwrapped, so that it can be copied.
            self._console.print(Text(f"  {line}"), soft_wrap=True)
        self._console.print(Text("\nCtrl-C ends everything.", style="dim"))

    def failed(self, reason: str) -> None:
        """A part crashed."""
        self.settled()
        Console(stderr=True, highlight=False).print(Text(reason, style="red"), soft_wrap=True)


def lines_to_paste(stack: Stack) -> list[str]:
    """Commands that work as they are; a secret is read from its file rather than shown."""
    gateway = stack.addresses["gateway"].replace("127.0.0.1", "localhost")
    identity = stack.addresses["identity"].replace("127.0.0.1", "localhost")
    read = f'import json; print(json.load(open({str(stack.data_dir / FILE_NAME)!r}))["operator_secret"])'
    bearer = f'-H "authorization: Bearer $({shlex.quote(sys.executable)} -c {shlex.quote(read)})"'
    return [
        f"grpcurl -plaintext {gateway} list",
        f"grpcurl -plaintext {gateway} describe hearthgate.gateway.v1.PlaybackService",
        f"grpcurl -plaintext {gateway} {_SAMPLE}",
        f"buf curl --http2-prior-knowledge --protocol grpc http://{gateway}/{_SAMPLE}",
        f"grpcurl -plaintext -H 'hearthgate-caller: operator' {bearer} {identity} "
        "hearthgate.identity.v1.IdentityService/ListPlans",
    ]
