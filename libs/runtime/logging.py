"""Logs: one JSON object a line on stderr, with trace ids, and nothing secret or personal in it."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import Any, cast

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from libs.runtime.redaction import redact_value

# At INFO and DEBUG these repeat what our own layers log, or print what a wire carries.
_QUIET_LOGGERS = ("asyncpg", "dkim", "dkimpy", "grpc", "hpack", "httpcore", "httpx", "opentelemetry")


def configure_logging(service: str, level: str) -> None:
    """Send this process's logs, those of the standard library's loggers included, to stderr as JSON.

    ``level`` is DEBUG, INFO, WARNING or ERROR. Exceptions that nobody caught are logged the same way.
    """
    number = logging.getLevelNamesMapping()[level]
    processors = _processors(service)
    structlog.configure(
        processors=[*processors, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(processors))
    logging.basicConfig(handlers=[handler], level=number, force=True)
    logging.captureWarnings(True)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    sys.excepthook = _log_uncaught


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose records carry ``logger: name``; it follows ``configure_logging`` even if made before."""
    return cast(structlog.typing.FilteringBoundLogger, structlog.get_logger(logger_name=name))


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """The processor that hides secret fields and masks patterns in all the others."""
    return {key: redact_value(key, value) for key, value in event_dict.items()}


def add_trace_ids(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """The processor that names the span under way, in hex, where there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event_dict["trace_id"] = trace.format_trace_id(context.trace_id)
        event_dict["span_id"] = trace.format_span_id(context.span_id)
    return event_dict


def _processors(service: str) -> list[Processor]:
    def add_names(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        event_dict["service"] = service
        if "logger_name" in event_dict:
            event_dict["logger"] = event_dict.pop("logger_name")
        return event_dict

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.add_log_level,
        add_names,
        add_trace_ids,
        structlog.processors.format_exc_info,
        # Last before rendering, so that tracebacks and messages are masked as well.
        redact,
    ]


def _formatter(processors: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *processors,
            structlog.processors.JSONRenderer(),
        ],
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> Any:
    if issubclass(kind, KeyboardInterrupt):
        return
    get_logger(__name__).critical("uncaught exception", exc_info=(kind, error, traceback))
