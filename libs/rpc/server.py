"""The one way to build a server, in tests and in production."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import grpc
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_channelz.v1._async import ChannelzServicer
from grpc_health.v1 import health_pb2_grpc

from libs.rpc import health, reflection
from libs.rpc.callers import KnownCallers
from libs.rpc.drain import Drain
from libs.rpc.health import HealthCheck, HealthServicer
from libs.rpc.pipeline import Method, Pipeline
from libs.rpc.telemetry import ServerTelemetry
from libs.rpc.validation import RequestValidator
from libs.runtime.logging import get_logger
from libs.runtime.settings import ServiceSettings

_LOG = get_logger(__name__)
_CHANNELZ: Final = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFiles:
    """PEM files of a server. With ``client_ca``, a client has to show a certificate that this authority signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Read the files. Raises OSError."""
        authority = self.client_ca.read_bytes() if self.client_ca else None
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """How a server listens and whom it knows. Durations are in seconds, sizes in bytes."""

    listen_address: str = "127.0.0.1:0"
    callers: Mapping[str, Iterable[str]] = field(default_factory=dict)
    """Caller name -> hex SHA-256 digests of its secrets."""
    default_deadline: float = 5.0
    """Of a call that came without one."""
    default_stream_deadline: float = 600.0
    """Of a call with a response stream that came without one."""
    health_interval: float = 1.0
    health_timeout: float = 1.0
    max_message_bytes: int = 4 * 1024 * 1024
    max_connection_age: float = 300.0
    """Clients connect anew this often, and so find new instances behind one name."""
    max_connection_age_grace: float = 660.0
    """How much longer the calls of such a connection may last: longer than the longest stream."""
    tls: TlsFiles | None = None

    @classmethod
    def from_settings(cls, settings: ServiceSettings) -> ServerOptions:
        """The options that a service's settings ask for."""
        tls = None
        if settings.tls_certificate_file and settings.tls_key_file:
            tls = TlsFiles(
                certificate=settings.tls_certificate_file,
                key=settings.tls_key_file,
                client_ca=settings.tls_client_ca_file,
            )
        return cls(
            listen_address=settings.listen_address,
            callers=settings.callers,
            default_deadline=settings.default_deadline_seconds,
            tls=tls,
        )

    def channel_arguments(self) -> list[tuple[str, int]]:
        """The options in gRPC's own terms. Clients may ping every 20 s or less often; ours do so every 30 s."""
        return [
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", self.max_message_bytes),
            ("grpc.max_send_message_length", self.max_message_bytes),
            ("grpc.max_connection_age_ms", int(self.max_connection_age * 1000)),
            ("grpc.max_connection_age_grace_ms", int(self.max_connection_age_grace * 1000)),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
            ("grpc.enable_channelz", 1),
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """A gRPC service and who may call it.

    ``add`` is the generated ``add_XServicer_to_server``; ``by_method`` gives single methods (by short name) their
    own callers in place of ``allowed_callers``. ``{"*"}`` lets anyone in.
    """

    add: Callable[[Any, Any], None]
    servicer: Any
    service_name: str
    allowed_callers: frozenset[str]
    by_method: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Server:
    """A server that was built. Also an async context manager that starts it and stops it."""

    def __init__(self, server: grpc.aio.Server, options: ServerOptions, health_servicer: HealthServicer, drain: Drain):
        self._server = server
        self._options = options
        self._health = health_servicer
        self._drain = drain
        self._health_task: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port that it listens on; 0 before it was started."""
        return self._port

    @property
    def serving(self) -> bool:
        """Whether its health is SERVING."""
        return self._health.serving

    @property
    def draining(self) -> asyncio.Event:
        """Set once draining has begun, for workers beside the server."""
        return self._drain.begun

    async def start(self) -> int:
        """Listen, with the health check looked at once. Returns the port. Raises RuntimeError if it cannot bind."""
        address, tls = self._options.listen_address, self._options.tls
        if tls is None:
            self._port = self._server.add_insecure_port(address)
        else:
            self._port = self._server.add_secure_port(address, tls.credentials())
        await self._health.look()
        await self._server.start()
        self._health_task = asyncio.create_task(self._health.watch_over(), name="health")
        return self._port

    async def stop(self, grace: float | None, *, delay: float = 0.0) -> None:
        """Stop without losing a call: NOT_SERVING, ``delay`` seconds of business as usual, streams ended, no new
        calls, then up to ``grace`` seconds for those under way. None: no grace at all.
        """
        self._health.stop()
        if delay:
            await asyncio.sleep(delay)
        self._drain.begin()
        await self._server.stop(grace)
        if self._health_task is not None:
            self._health_task.cancel()
            await asyncio.wait([self._health_task])

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop(1.0)


def build_server(
    options: ServerOptions, registrations: Iterable[Registration], health_check: HealthCheck | None = None
) -> Server:
    """A server for these services with health, reflection and channelz beside them, not yet listening.

    To be called where the event loop runs. Raises TypeError for a handler that is not async, ValueError for a
    registration that does not match its service, protovalidate's CompilationError for a wrong rule in a proto.
    """
    registrations = list(registrations)
    drain = Drain()
    validator = RequestValidator()
    callers = KnownCallers(options.callers, certificates=bool(options.tls and options.tls.client_ca))
    pipeline = Pipeline(callers=callers, validator=validator, telemetry=ServerTelemetry(), drain=drain)
    names = [each.service_name for each in registrations]
    health_servicer = HealthServicer(
        names, health_check, interval=options.health_interval, timeout=options.health_timeout
    )
    methods = _collect(options, registrations) + _collect_operations(names, health_servicer)
    validator.warm(each.request_type for each in methods if each.allowed_callers and each.request_type)
    server = grpc.aio.server(options=options.channel_arguments())
    for method in methods:
        service, _, name = method.path.partition("/")
        server.add_registered_method_handlers(service, {name: pipeline.wrap(method)})
    return Server(server, options, health_servicer, drain)


class _Collector:
    """Stands where generated code expects a server, and keeps the handlers to be wrapped."""

    def __init__(self) -> None:
        self.handlers: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.handlers[service] = dict(handlers)

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same handlers again, in a form that cannot be listed."""


def _collect(options: ServerOptions, registrations: Iterable[Registration]) -> list[Method]:
    methods = []
    for registration in registrations:
        collector = _Collector()
        registration.add(registration.servicer, collector)
        handlers = collector.handlers.get(registration.service_name, {})
        unknown = registration.by_method.keys() - handlers.keys()
        if not handlers or unknown:
            raise ValueError(f"{registration.service_name} has no {', '.join(sorted(unknown)) or 'such service'}")
        methods += [_method(options, registration, name, handler) for name, handler in handlers.items()]
    return [method for method in methods if _is_implemented(method)]


def _method(options: ServerOptions, registration: Registration, name: str, handler: Any) -> Method:
    deadline = options.default_stream_deadline if handler.response_streaming else options.default_deadline
    return Method(
        path=f"{registration.service_name}/{name}",
        handler=handler,
        allowed_callers=frozenset(registration.by_method.get(name, registration.allowed_callers)),
        default_deadline=deadline,
    )


def _is_implemented(method: Method) -> bool:
    """Whether the servicer has its own handler; where it inherits the generated one, gRPC answers UNIMPLEMENTED."""
    implemented = not method.behaviour.__module__.endswith("_pb2_grpc")
    if not implemented:
        _LOG.warning("method not implemented", method=method.path)
    return implemented


def _collect_operations(names: list[str], health_servicer: HealthServicer) -> list[Method]:
    """Health, reflection and channelz: for operators and probes, open to every caller."""
    collector = _Collector()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, collector)
    channelz_pb2_grpc.add_ChannelzServicer_to_server(ChannelzServicer(), collector)
    reflection.add_reflection([*names, health.SERVICE_NAME, _CHANNELZ], collector)
    return [
        Method(path=f"{service}/{name}", handler=handler, allowed_callers=None, default_deadline=0)
        for service, handlers in collector.handlers.items()
        for name, handler in handlers.items()
    ]
