"""The telemetry of each service: log lines, and metrics where the settings ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aragog.settings import Settings
from aragog.telemetry_log import FetcherLog, LimiterLog, PinLaterLog
from fetcher.telemetry import FetcherTelemetry
from pinlater.telemetry import PinLaterTelemetry as PinLater
from ratelimiter.telemetry import LimiterTelemetry as Limiter
from thrift_idl.errors import BadConfiguration
from thrift_idl.gen.pinlater.protocol import PinLater as PinLaterClient
from urlstore.telemetry import StoreTelemetry as Store


def pinlater_telemetry(settings: Settings) -> PinLater:
    """PinLater's log lines and, if the settings ask for metrics, its counters."""
    return _metrics().PinLaterMetrics() if settings.metrics.listen else PinLaterLog()


def fetcher_telemetry(settings: Settings) -> FetcherTelemetry:
    """The fetcher's telemetry."""
    return _metrics().FetcherMetrics() if settings.metrics.listen else FetcherLog()


def limiter_telemetry(settings: Settings) -> Limiter:
    """The rate limiter's telemetry."""
    return _metrics().LimiterMetrics() if settings.metrics.listen else LimiterLog()


def store_telemetry(settings: Settings) -> Store | None:
    """The store's counters; it logs nothing."""
    return _metrics().StoreMetrics() if settings.metrics.listen else None


@contextmanager
def queues_measured(settings: Settings, service: PinLaterClient) -> Iterator[None]:
    """Metrics of jobs, if the settings ask for them: the jobs of `service` are counted while the block runs."""
    if not settings.metrics.listen:
        yield
        return
    metrics = _metrics()
    refresh = metrics.queue_gauges(service)
    metrics.REFRESHES.append(refresh)
    try:
        yield
    finally:
        metrics.REFRESHES.remove(refresh)


def _metrics() -> Any:
    try:
        from aragog import metrics  # noqa: PLC0415 - needs an optional package, and costs start-up time
    except ModuleNotFoundError as error:
        message = f"metrics.listen needs the package {error.name}: pip install 'aragog[metrics]'"
        raise BadConfiguration(message) from error
    return metrics
