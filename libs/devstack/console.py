"""What `hearthgate up` shows a person."""

from __future__ import annotations

import shlex
import sys

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from libs.devstack.secrets import FILE_NAME
from libs.devstack.stack import Stack
from libs.testing.smsc import ReceivedText
from libs.testing.smtp import ReceivedMail

_SAMPLE = "hearthgate.gateway.v1.PlaybackService/GetGrantKeys"


class UpConsole:
    """The terminal of `up`; silent where a program reads its output."""

    def __init__(self, *, silent: bool) -> None:
        self._console = Console(stderr=silent, quiet=silent, highlight=False)

    def event(self, text: str) -> None:
        """What the stack does."""
        self._console.print(Text(f"· {text}", style="dim"))

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
        table = Table("service", "gRPC", "process", box=None, header_style="dim")
        for service, address in stack.addresses.items():
            table.add_row(service, address, str(stack.process(service).pid))
        self._console.print()
        self._console.print(table)
        self._console.print()
        mail = "shown here" if stack.inbox else "sent to your SMTP server"
        texts = "shown here" if stack.smsc else "sent to your SMSC"
        self._console.print(Text(f"Mails are {mail}, text messages {texts}. Data and logs: {stack.data_dir}"))
        self._console.print(Text("\nTry:", style="bold"))
        for line in lines_to_paste(stack):
            # Unwrapped, so that it can be copied.
            self._console.print(Text(f"  {line}"), soft_wrap=True)
        self._console.print(Text("\nCtrl-C ends everything.", style="dim"))

    def failed(self, reason: str) -> None:
        """A part crashed."""
        Console(stderr=True, highlight=False).print(Text(reason, style="red"))


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
