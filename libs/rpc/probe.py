"""Asks a server for its health: ``python -m libs.rpc.probe HOST:PORT [SERVICE]``. For containers' health checks.

Exit code 0 when it is SERVING, 1 when it is not or does not answer within 3 seconds.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_SECONDS: Final = 3.0


def is_serving(address: str, service: str) -> bool:
    """Whether the server says that it serves. Raises grpc.RpcError where it does not answer."""
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; the result is the exit code."""
    parser = argparse.ArgumentParser(description="Ask a gRPC server for its health (grpc.health.v1).")
    parser.add_argument("address", help="host:port")
    parser.add_argument("service", nargs="?", default="", help="a service's name or `liveness`; without: the server")
    parsed = parser.parse_args(arguments)
    try:
        serving = is_serving(parsed.address, parsed.service)
    except grpc.RpcError as error:
        print(f"{parsed.address}: {error.code().name}", file=sys.stderr)
        return 1
    if not serving:
        print(f"{parsed.address}: not serving", file=sys.stderr)
    return 0 if serving else 1


if __name__ == "__main__":
    sys.exit(main())
