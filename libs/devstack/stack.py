"""The whole suite on one machine: PostgreSQL, mail, texts, five services; started, watched and stopped in order."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc

from libs.devstack.environment import Surroundings, environment_of
from libs.devstack.folder import FolderError, data_folder
from libs.devstack.logs import follow_warnings, rotate
from libs.devstack.ports import choose_ports
from libs.devstack.process import ServiceFailedError, ServiceProcess
from libs.devstack.secrets import LEAVES, SERVICES, Secrets
from libs.persistence.dsn import ServiceDsns
from libs.persistence.migrations import migrate
from libs.persistence.provision import provision
from libs.rpc.callers import CallerCredentials
from libs.rpc.channel import open_channel
from libs.testing.postgres import EmbeddedPostgres, reachable_directory
from libs.testing.smsc import Smsc
from libs.testing.smsc_messages import ReceivedText
from libs.testing.smtp import ReceivedMail, SmtpInbox

DEFAULT_PORT: Final = 7400
_MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "services"
_DATABASE, _SMTP, _SMPP = "HEARTHGATE_DATABASE_URL", "HEARTHGATE_SMTP_URL", "HEARTHGATE_TEXT_URL"


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOptions:
    """How a stack runs. ``base_port``: the gateway's, the leaves' after it; None takes free ones.

    ``overrides``: further environment by service; ``modules``: what runs in a service's place, for a benchmark's
    control. ``durable`` keeps fsync on. The callbacks are told of each mail and text, of what the stack itself does,
    and, with the service's name, of each warning that a service logs.
    """

    data_dir: Path
    fresh: bool = False
    base_port: int | None = DEFAULT_PORT
    durable: bool = True
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    on_mail: Callable[[ReceivedMail], None] | None = None
    on_text: Callable[[ReceivedText], None] | None = None
    on_event: Callable[[str], None] = lambda text: None
    on_warning: Callable[[str, str], None] | None = None


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
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._followers: list[asyncio.Task[None]] = []
        self._channels: list[grpc.aio.Channel] = []
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def running(cls, options: StackOptions) -> AsyncIterator[Stack]:
        """Everything, ready; stopped in order at the end.

        Raises FolderError, PostgresError, MigrationError, ServiceError or ServiceFailedError, each with what to do.
        """
        if options.fresh and os.environ.get(_DATABASE):
            # Before the folder is emptied: the roles there have the passwords that stand in it.
            raise FolderError(f"--fresh cannot empty the databases that {_DATABASE} names; drop them there")
        with data_folder(options.data_dir, fresh=options.fresh) as folder:
            stack = cls(options, folder, Secrets.of(folder))
            async with AsyncExitStack() as parts:
                await stack._start(parts)
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

    async def restart(self, service: str) -> None:
        """Drain a service and start it again at its address, ready when this returns. Raises ServiceFailedError."""
        await _cancelled(self._watchers.pop(service))
        process = self._processes[service]
        await process.stop()
        process.start()
        await process.wait_until_ready()
        self._watch(service, self._watch_service(process))

    async def failed(self) -> str:
        """Wait until a part crashes; what happened."""
        return await asyncio.shield(self._failure)

    def _channel(self, service: str, caller: CallerCredentials | None) -> grpc.aio.Channel:
        channel = open_channel(self._processes[service].address, caller=caller)
        self._channels.append(channel)
        return channel

    async def _start(self, parts: AsyncExitStack) -> None:
        """What is started last is stopped first: services, then providers, then PostgreSQL."""
        admin_dsn = await self._start_postgres(parts)
        parts.push_async_callback(self._stop_watching)
        database_urls = await self._prepare_databases(admin_dsn)
        smtp_url, text_url = await self._start_providers(parts)
        parts.push_async_callback(self._stop_services)
        await self._start_services(database_urls, smtp_url, text_url)

    async def _start_postgres(self, parts: AsyncExitStack) -> str:
        given = os.environ.get(_DATABASE)
        if given:
            self.options.on_event(f"PostgreSQL: the one that {_DATABASE} names")
            return given
        directory = reachable_directory(self.data_dir / "postgresql")
        self.options.on_event(f"Starting PostgreSQL, data in {directory}")
        if self.options.fresh and directory.exists():
            # For root it may stand outside of the data folder, which was emptied.
            shutil.rmtree(directory)
        postgres = EmbeddedPostgres(directory, durable=self.options.durable)
        self._postgres = await parts.enter_async_context(postgres)
        self._watch("postgresql", self._watch_postgres(postgres))
        return postgres.admin_dsn

    async def _prepare_databases(self, admin_dsn: str) -> dict[str, str]:
        self.options.on_event("Preparing five databases")
        prepared = await asyncio.gather(*(self._prepare_database(admin_dsn, service) for service in SERVICES))
        return {service: dsns.app for service, dsns in zip(SERVICES, prepared, strict=True)}

    async def _prepare_database(self, admin_dsn: str, service: str) -> ServiceDsns:
        owner, app = (self.secrets[f"{service}_{role}_password"] for role in ("owner", "app"))
        dsns = await provision(admin_dsn, service, owner, app)
        await migrate(dsns.owner, _MIGRATIONS / service / "migrations")
        return dsns

    async def _start_providers(self, parts: AsyncExitStack) -> tuple[str, str]:
        smtp_url, text_url = os.environ.get(_SMTP, ""), os.environ.get(_SMPP, "")
        if not smtp_url:
            self.inbox = await parts.enter_async_context(SmtpInbox(on_mail=self.options.on_mail))
            smtp_url = self.inbox.url
        if not text_url:
            self.smsc = await parts.enter_async_context(Smsc(on_text=self.options.on_text))
            text_url = self.smsc.url
        return smtp_url, text_url

    async def _start_services(self, database_urls: Mapping[str, str], smtp_url: str, text_url: str) -> None:
        self.options.on_event("Starting five services")
        ports = choose_ports(("gateway", *LEAVES), self.options.base_port)
        if self.options.base_port is not None and ports["gateway"] != self.options.base_port:
            self.options.on_event(f"Port {self.options.base_port} or one after it is taken; using free ones")
        addresses = {service: f"127.0.0.1:{port}" for service, port in ports.items()}
        around = Surroundings(
            database_urls=database_urls,
            addresses=addresses,
            smtp_url=smtp_url,
            text_url=text_url,
            data_dir=self.data_dir,
        )
        logs = self.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        for service in SERVICES:
            environment = environment_of(service, self.secrets, around) | dict(self.options.overrides.get(service, {}))
            log_path = logs / f"{service}.log"
            rotate(log_path)
            module = self.options.modules.get(service, "")
            self._processes[service] = ServiceProcess(service, ports[service], environment, log_path, module=module)
            self._processes[service].start()
            self._follow(service, log_path)
        await self._unless_failed(asyncio.create_task(self._until_ready()))
        for service, process in self._processes.items():
            self._watch(service, self._watch_service(process))

    async def _until_ready(self) -> None:
        await asyncio.gather(*(process.wait_until_ready() for process in self._processes.values()))

    async def _unless_failed(self, work: asyncio.Task[None]) -> None:
        """Wait for ``work``, but no longer than for the crash of a part that it may be waiting for."""
        try:
            await asyncio.wait((work, self._failure), return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = work.done()
            if not finished:
                work.cancel()
                await asyncio.wait((work,))
        if not finished:
            raise ServiceFailedError(self._failure.result())
        work.result()

    async def _stop_services(self) -> None:
        """The gateway first, so that the leaves answer what it still has under way."""
        await self._stop_watching()
        for channel in self._channels:
            await channel.close()
        if "gateway" in self._processes:
            await self._processes["gateway"].stop()
        await asyncio.gather(*(self._processes[leaf].stop() for leaf in LEAVES if leaf in self._processes))

    async def _stop_watching(self) -> None:
        """From here on an end is no crash, and a drain is not worth a warning. Safe to call twice."""
        tasks = [*self._watchers.values(), *self._followers]
        self._watchers.clear()
        self._followers.clear()
        await _cancelled(*tasks)

    def _watch(self, part: str, watching: Coroutine[Any, Any, None]) -> None:
        self._watchers[part] = asyncio.create_task(watching)

    def _follow(self, service: str, log_path: Path) -> None:
        if self.options.on_warning is not None:
            show = partial(self.options.on_warning, service)
            self._followers.append(asyncio.create_task(follow_warnings(log_path, show)))

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


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
