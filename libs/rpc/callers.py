"""Callers: which service is calling, and whether it may.

A caller names itself in the metadata ``hearthgate-caller: NAME`` with ``authorization: Bearer SECRET``, or by the
name in its TLS client certificate. Secrets are known only by their SHA-256 digests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

from libs.runtime.errors import ErrorReason, ServiceError

CALLER_KEY: Final = "hearthgate-caller"
AUTHORIZATION_KEY: Final = "authorization"
ANYONE: Final = frozenset({"*"})
"""The allowed callers of an open service."""

_BEARER: Final = "Bearer "
_CERTIFICATE_NAMES: Final = "x509_subject_alternative_name"
_CALLER: ContextVar[str] = ContextVar("hearthgate_caller", default="")


@dataclass(frozen=True, slots=True)
class CallerCredentials:
    """The name and the secret with which a process calls others."""

    name: str
    secret: str = field(repr=False)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata that proves the name."""
        return ((CALLER_KEY, self.name), (AUTHORIZATION_KEY, _BEARER + self.secret))


class KnownCallers:
    """The callers that a server knows: name -> hex SHA-256 digests of its secrets, any of which is accepted.

    With ``certificates``, a known name in a verified client certificate is enough.
    """

    def __init__(self, digests: Mapping[str, Iterable[str]], *, certificates: bool = False) -> None:
        self._certificates = certificates
        self._digests = {name: tuple(each.lower() for each in known) for name, known in digests.items()}

    def admit(self, context: grpc.aio.ServicerContext[Any, Any], allowed: frozenset[str]) -> str:
        """The caller's name, also left for :func:`current_caller`; "" where anyone may call and no name was given.

        Raises CALLER_UNKNOWN and CALLER_NOT_ALLOWED.
        """
        name = self._identify(context)
        if name is None:
            if "*" not in allowed:
                raise ServiceError(ErrorReason.CALLER_UNKNOWN, detail="no credentials")
            name = ""
        elif "*" not in allowed and name not in allowed:
            raise ServiceError(ErrorReason.CALLER_NOT_ALLOWED, detail=f"caller {name}")
        _CALLER.set(name)
        return name

    def _identify(self, context: grpc.aio.ServicerContext[Any, Any]) -> str | None:
        claimed: str | bytes | None = None
        authorization: str | bytes = ""
        for key, value in context.invocation_metadata() or ():
            if key == CALLER_KEY:
                claimed = value
            elif key == AUTHORIZATION_KEY:
                authorization = value
        if claimed is None:
            return self._certified(context.auth_context()) if self._certificates else None
        if not self._proves(str(claimed), str(authorization)):
            raise ServiceError(ErrorReason.CALLER_UNKNOWN, detail="the caller's name or secret is wrong")
        return str(claimed)

    def _proves(self, name: str, authorization: str) -> bool:
        if not authorization.startswith(_BEARER):
            return False
        digest = hashlib.sha256(authorization[len(_BEARER) :].encode()).hexdigest()
        # Every digest is compared, so that the time taken does not tell which one matched.
        matches = [hmac.compare_digest(digest, known) for known in self._digests.get(name, ())]
        return any(matches)

    def _certified(self, auth_context: Mapping[str, Iterable[bytes]]) -> str | None:
        """The first known name among the certificate's: a DNS name's first label or a URI's last segment.

        gRPC fills this in only where the server demanded and verified a client certificate.
        """
        for raw in auth_context.get(_CERTIFICATE_NAMES, ()):
            name = raw.decode("utf-8", "replace")
            label = name.rsplit("/", 1)[-1] if "://" in name else name.split(".", 1)[0]
            if label in self._digests:
                return label
        return None


def current_caller() -> str:
    """The name of the service whose call is under way; "" for one without a name, and outside of a call."""
    return _CALLER.get()
