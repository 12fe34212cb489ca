"""The whole suite on one machine: PostgreSQL, mail, texts, five services; started, watched and stopped in order."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from libs.devstack.environment import Surroundings, environment_of
from libs.devstack.folder import data_folder
from libs.devstack.process import ServiceFailedError, ServiceProcess
from libs.devstack.secrets import LEAVES, SERVICES, Secrets
from libs.persistence.dsn import ServiceDsns
from libs.persistence.migrations import migrate
from libs.persistence.provision import provision
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import open_channel
from libs.testing.postgres import EmbeddedPostgres, reachable_directory
from libs.testing.postgres_host import free_port
from libs.testing.smsc import ReceivedText, Smsc
from libs.testing.smtp import ReceivedMail, SmtpInbox

DEFAULT_PORT: Final = 7400
_MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "services"
_DATABASE, _SMTP, _SMPP = "HEARTHGATE_DATABASE_URL", "HEARTHGATE_SMTP_URL", "HEARTHGATE_SMPP_URL"


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOptions:
    """How a stack runs. ``base_port``: the gateway's, the leaves' after it; None takes free ones.

    ``overrides``: further environment by service. ``durable`` keeps fsync on. The callbacks are told of each mail and
    text, and of what the stack itself does.
    """

    data_dir: Path
    fresh: bool = False
    base_port: int | None = DEFAULT_PORT
    durable: bool = True
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    on_mail: Callable[[ReceivedMail], None] | None = None
    on_text: Callable[[ReceivedText], None] | None = None
    on_event: Callable[[str], None] = lambda text: None


class Stack:
    """A running stack; made by :meth:`running`."""

    def __init__(self, options: StackOptions, data_dir: Path, secrets: Secrets) -> None:
        self.options: Final = options
        self.data_dir: Final = data_dir
        self.secrets: Final = secrets
        self.inbox: SmtpInbox | None = None
        self.smsc: Smsc | None = None
        self._postgres: EmbeddedPostgres | None = None
        self._processes: dict[str, ServiceProcess] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._channels: list[grpc.aio.Channel] = []
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def running(cls, options: StackOptions) -> AsyncIterator[Stack]:
        """Everything, ready; stopped in order at the end.

        Raises FolderError, PostgresError, MigrationError, ServiceError or ServiceFailedError, each with what to do.
        """
        with data_folder(options.data_dir, fresh=options.fresh) as folder:
            stack = cls(options, folder, Secrets.of(folder))
            async with AsyncExitStack() as parts:
                admin_dsn = await stack._start_postgres(parts)
                database_urls = await stack._prepare_databases(admin_dsn)
                smtp_url, smpp_url = await stack._start_providers(parts)
                parts.push_async_callback(stack._stop_services)
                await stack._start_services(database_urls, smtp_url, smpp_url)
                yield stack

    @property
    def addresses(self) -> dict[str, str]:
        """host:port of each service."""
        return {name: process.address for name, process in self._processes.items()}

    def process(self, service: str) -> ServiceProcess:
        """A service's process."""
        return self._processes[service]

    def gateway_channel(self) -> grpc.aio.Channel:
        """A channel to the gateway, closed with the stack."""
        return self._channel("gateway", None)

    def leaf_channel(self, service: str, caller: str) -> grpc.aio.Channel:
        """A channel to a leaf as ``gateway`` or ``operator``, closed with the stack."""
        return self._channel(service, CallerCredentials(caller, self.secrets[f"{caller}_secret"]))

    async def failed(self) -> str:
        """Wait until a part crashes; what happened."""
        return await asyncio.shield(self._failure)

    def _channel(self, service: str, caller: CallerCredentials | None) -> grpc.aio.Channel:
        channel = open_channel(self._processes[service].address, caller=caller)
        self._channels.append(channel)
        return channel

    async def _start_postgres(self, parts: AsyncExitStack) -> str:
        given = os.environ.get(_DATABASE)
        if given:
            self.options.on_event(f"PostgreSQL: the one that {_DATABASE} names")
            return given
        self.options.on_event("Starting PostgreSQL")
        directory = reachable_directory(self.data_dir / "postgresql")
        if self.options.fresh and directory.exists():
            # For root it may stand outside of the data folder, which was emptied.
            shutil.rmtree(directory)
        postgres = EmbeddedPostgres(directory, durable=self.options.durable)
        self._postgres = await parts.enter_async_context(postgres)
        self._watch(self._watch_postgres(postgres))
        return postgres.admin_dsn

    async def _prepare_databases(self, admin_dsn: str) -> dict[str, str]:
        self.options.on_event("Preparing five databases")
        dsns: dict[str, ServiceDsns] = {}
        for service in SERVICES:
            owner, app = (self.secrets[f"{service}_{role}_password"] for role in ("owner", "app"))
            dsns[service] = await provision(admin_dsn, service, owner, app)
        await asyncio.gather(*(migrate(dsns[each].owner, _MIGRATIONS / each / "migrations") for each in SERVICES))
        return {service: each.app for service, each in dsns.items()}

    async def _start_providers(self, parts: AsyncExitStack) -> tuple[str, str]:
        smtp_url, smpp_url = os.environ.get(_SMTP, ""), os.environ.get(_SMPP, "")
        if not smtp_url:
            self.inbox = await parts.enter_async_context(SmtpInbox(on_mail=self.options.on_mail))
            smtp_url = self.inbox.url
        if not smpp_url:
            self.smsc = await parts.enter_async_context(Smsc(on_text=self.options.on_text))
            smpp_url = self.smsc.url
        return smtp_url, smpp_url

    async def _start_services(self, database_urls: Mapping[str, str], smtp_url: str, smpp_url: str) -> None:
        self.options.on_event("Starting five services")
        ports = _ports(self.options.base_port)
        if self.options.base_port is not None and ports["gateway"] != self.options.base_port:
            self.options.on_event(f"Port {self.options.base_port} or one after it is taken; using free ones")
        addresses = {service: f"127.0.0.1:{port}" for service, port in ports.items()}
        around = Surroundings(database_urls=database_urls, addresses=addresses, smtp_url=smtp_url, smpp_url=smpp_url)
        logs = self.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        for service in SERVICES:
            environment = environment_of(service, self.secrets, around) | dict(self.options.overrides.get(service, {}))
            log_path = logs / f"{service}.log"
            log_path.unlink(missing_ok=True)
            self._processes[service] = ServiceProcess(service, ports[service], environment, log_path)
            self._processes[service].start()
        await asyncio.gather(*(process.wait_until_ready() for process in self._processes.values()))
        for process in self._processes.values():
            self._watch(self._watch_service(process))

    async def _stop_services(self) -> None:
        """The gateway first, so that the leaves answer what it still has under way."""
        for watcher in self._watchers:
            watcher.cancel()
        for channel in self._channels:
            await channel.close()
        if "gateway" in self._processes:
            await self._processes["gateway"].stop()
        await asyncio.gather(*(self._processes[leaf].stop() for leaf in LEAVES if leaf in self._processes))

    def _watch(self, watching: Coroutine[Any, Any, None]) -> None:
        self._watchers.append(asyncio.create_task(watching))

    async def _watch_service(self, process: ServiceProcess) -> None:
        """Start a service again that ended in order, as a rolling restart would; anything else is a crash."""
        try:
            while (crash := await process.ended()) is None:
                self.options.on_event(f"{process.name} ended in order; starting it again")
                process.start()
                await process.wait_until_ready()
                self.options.on_event(f"{process.name} is back")
        except ServiceFailedError as error:
            crash = str(error)
        self._fail(crash)

    async def _watch_postgres(self, postgres: EmbeddedPostgres) -> None:
        status = await postgres.wait()
        self._fail(f"PostgreSQL ended with {status}\n{postgres.log_tail()}")

    def _fail(self, reason: str) -> None:
        if not self._failure.done():
            self._failure.set_result(reason)


def _ports(base: int | None) -> dict[str, int]:
    """The gateway's port and the leaves' after it, where all are free; else free ones."""
    order = ("gateway", *LEAVES)
    if base is not None and all(_is_free(base + offset) for offset in range(len(order))):
        return {service: base + offset for offset, service in enumerate(order)}
    chosen: list[int] = []
    while len(chosen) < len(order):
        port = free_port()
        if port not in chosen:
            chosen.append(port)
    return dict(zip(order, chosen, strict=True))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
