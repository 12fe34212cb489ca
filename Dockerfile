# syntax=docker/dockerfile:1
#
# One image holds one service and only what it needs:
#   docker build --build-arg SERVICE=device_trust -t hearthgate/device-trust .
# SERVICE is identity, device_trust, challenge, download_planning or gateway.

# Pinned by tag. A release build should pin the digest too (`docker buildx imagetools inspect` prints it):
# the tag is rebuilt when its Debian packages are.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm
ARG SERVICE=gateway

FROM ${PYTHON_IMAGE} AS python

# The locked dependencies of one service, wheels only: nothing is compiled, on amd64 or arm64. dkimpy is published as
# source, of Python alone.
FROM python AS dependencies
ARG SERVICE
# For the replacement of _ by - below.
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY requirements-*.lock /locks/
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --only-binary :all: --no-binary dkimpy \
        --require-hashes -r "/locks/requirements-${SERVICE//_/-}.lock"

# The code of one service, and the libraries without what only development uses.
FROM python AS code
ARG SERVICE
WORKDIR /app
COPY libs/ libs/
COPY services/__init__.py services/
COPY services/${SERVICE}/ services/${SERVICE}/
# Also without what measures device_trust: the server imports nothing of it (import-linter holds that).
RUN rm -r libs/devstack libs/testing \
    && rm -rf services/device_trust/simulation services/device_trust/replay \
    && python -m compileall -q --invalidation-mode unchecked-hash libs services

FROM python AS runtime
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app:/app/libs/stubs \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HEARTHGATE_LISTEN_ADDRESS=0.0.0.0:7400
WORKDIR /app
COPY --from=dependencies /venv /venv
COPY --from=code /app /app
# Where a service keeps what it writes; identity's anchors, on a volume that takes over this owner.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/hearthgate
# Numeric, so that Kubernetes can tell that it is not root. Nothing under /app or /venv belongs to it.
USER 10001:10001
EXPOSE 7400 9464
STOPSIGNAL SIGTERM
# Not ready counts as unhealthy here; Kubernetes asks by gRPC and tells readiness from liveness.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "libs.rpc.probe", "127.0.0.1:7400"]

# The text-message centre of docker-compose.yml, which prints what it gets; development only:
#   docker build --build-arg SERVICE=challenge --target smsc -t hearthgate/smsc .
FROM runtime AS smsc
COPY libs/testing/ libs/testing/
COPY deploy/smsc/main.py smsc.py
EXPOSE 2775
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 2775), timeout=2)"]
CMD ["python", "smsc.py"]

# The exec form expands no variable, and a shell between would not pass SIGTERM on: so each service has its last line here.
FROM runtime AS service-identity
CMD ["python", "-m", "services.identity.main"]

FROM runtime AS service-device_trust
CMD ["python", "-m", "services.device_trust.main"]

FROM runtime AS service-challenge
CMD ["python", "-m", "services.challenge.main"]

FROM runtime AS service-download_planning
CMD ["python", "-m", "services.download_planning.main"]

FROM runtime AS service-gateway
CMD ["python", "-m", "services.gateway.main"]

# hadolint ignore=DL3006
FROM service-${SERVICE}
ARG SERVICE
LABEL org.opencontainers.image.title="hearthgate-${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0"
