"""Health v1: what load balancers and probes ask, following what the service itself depends on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Final

from grpc_health.v1 import health_pb2, health_pb2_grpc

from libs.runtime.errors import not_found
from libs.runtime.logging import get_logger

HealthCheck = Callable[[], Awaitable[None]]
"""Returns when all is well, raises when it is not."""

SERVICE_NAME: Final = "grpc.health.v1.Health"

LIVENESS: Final = "liveness"
"""The name under which the process answers as long as it lives, whatever it depends on: for Kubernetes' liveness probe,
which would otherwise restart every instance when the database is away."""

_LOG = get_logger(__name__)
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICE_UNKNOWN: Final = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the library has no types
    """Answers for the server as a whole ("") and for each service by name, all alike; for ``liveness`` always SERVING.

    ``check`` runs every ``interval`` seconds and fails when it raises or takes longer than ``timeout`` seconds.
    Without a check the server is healthy once started.
    """

    def __init__(self, services: Iterable[str], check: HealthCheck | None, *, interval: float, timeout: float) -> None:
        self._services = frozenset({"", *services})
        self._check = check
        self._interval = interval
        self._timeout = timeout
        self._serving: bool | None = None
        self._stopped = False
        self._changed = asyncio.Event()

    @property
    def serving(self) -> bool:
        """Whether it answers SERVING now."""
        return bool(self._serving)

    async def look(self) -> None:
        """Run the check once and answer accordingly from now on."""
        try:
            async with asyncio.timeout(self._timeout):
                if self._check is not None:
                    await self._check()
        except Exception as error:
            self._set(False, type(error).__name__)
        else:
            self._set(not self._stopped, "")

    async def watch_over(self) -> None:
        """Run the check for ever, every ``interval`` seconds."""
        while True:
            await asyncio.sleep(self._interval)
            await self.look()

    def stop(self) -> None:
        """Answer NOT_SERVING from now on, whatever the check says."""
        self._stopped = True
        self._set(False, "stopping")

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> health_pb2.HealthCheckResponse:
        """The state now; NOT_FOUND for a service that is not here."""
        status = self._status(request.service)
        if status == _SERVICE_UNKNOWN:
            raise not_found("service")
        return health_pb2.HealthCheckResponse(status=status)

    async def List(self, request: health_pb2.HealthListRequest, context: Any) -> health_pb2.HealthListResponse:
        """The state of every service now."""
        now = health_pb2.HealthCheckResponse(status=self._status(""))
        return health_pb2.HealthListResponse(statuses=dict.fromkeys(self._services, now))

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The state now and at every change."""
        sent: int | None = None
        while True:
            changed = self._changed
            status = self._status(request.service)
            if status != sent:
                yield health_pb2.HealthCheckResponse(status=status)
                sent = status
            await changed.wait()

    def _status(self, service: str) -> health_pb2.HealthCheckResponse.ServingStatus:
        if service == LIVENESS:
            return _SERVING
        if service not in self._services:
            return _SERVICE_UNKNOWN
        return _SERVING if self._serving else _NOT_SERVING

    def _set(self, serving: bool, cause: str) -> None:
        if serving == self._serving:
            return
        self._serving = serving
        self._changed.set()
        self._changed = asyncio.Event()
        if serving:
            _LOG.info("healthy")
        else:
            _LOG.warning("not healthy", cause=cause)
