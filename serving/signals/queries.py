"""Signals as PromQL: one function a signal, the same for the twin and the cluster.

Two kinds. What a verdict counts is read as raw samples, since `increase` guesses beyond the first and the last sample
and misses what a series was born with: an arm's first errors. What people look at is a rate.
"""

from math import ceil

from serving.signals import names
from serving.signals.targets import Selector, Target, TwinTarget


def counted_requests(target: Target, version: str, window_s: float) -> str:
    """Samples of an arm's answers by code."""
    return _samples(target.requests(version), window_s)


def counted_latency(target: Target, version: str, window_s: float) -> str:
    """Samples of the cumulative buckets of an arm's latency."""
    return _samples(target.latency(version).with_suffix("_bucket"), window_s)


def counted_scores(target: Target, version: str, window_s: float) -> str:
    """Samples of the cumulative buckets of a version's scores, by pod."""
    return _samples(target.model(f"{names.SCORES}_bucket", version), window_s)


def model_scrapes(target: Target, version: str, window_s: float) -> str:
    """Samples of whether each pod of a version could be scraped."""
    return _samples(target.model(names.SCRAPED, version), window_s)


def counted_pairs(target: TwinTarget, stable: str, other: str, window_s: float) -> str:
    """Samples of both versions' answers to the same requests, by how they compare."""
    return _samples(target.pairs(stable, other), window_s)


def comparer_scrapes(target: TwinTarget, window_s: float) -> str:
    """Samples of whether what compares could be scraped."""
    return _samples(target.comparing(), window_s)


def gateway_uptime(target: Target, window_s: float) -> str:
    """Samples of how long each gateway process has run: when it was scraped, and when it began anew."""
    return _samples(target.uptime(), window_s)


def request_rate(target: Target, version: str, window_s: float) -> str:
    """Requests in a second."""
    return _rate(target.requests(version), window_s)


def error_rate(target: Target, version: str, window_s: float) -> str:
    """Answers of 500 and above in a second; no result while there was none yet."""
    chosen = str(target.requests(version))[:-1]
    return f'sum(rate({chosen},{target.code_label}=~"5.."}}[{_duration(window_s)}]))'


def error_share(target: Target, version: str, window_s: float) -> str:
    """0 to 1; NaN without requests, 0 where there are requests and never was an error."""
    requests = request_rate(target, version, window_s)
    return f"({error_rate(target, version, window_s)} or {requests} * 0) / {requests}"


def traffic_share(target: Target, version: str, others: tuple[str, ...], window_s: float) -> str:
    """Of the requests of all arms, 0 to 1."""
    # An arm that was never asked has no series, and adding nothing to something is nothing.
    rates = [f"({request_rate(target, arm, window_s)} or vector(0))" for arm in (version, *others)]
    return f"{request_rate(target, version, window_s)} / ({' + '.join(rates)})"


def latency_quantile(target: Target, version: str, quantile: float, window_s: float) -> str:
    """Milliseconds, interpolated between two buckets."""
    assert 0 < quantile < 1, f"a quantile lies between 0 and 1 (got {quantile})"
    buckets = target.latency(version).with_suffix("_bucket")
    rates = f"sum by ({names.BUCKET_LE}) (rate({buckets}[{_duration(window_s)}]))"
    return f"histogram_quantile({quantile:g}, {rates})"


def model_failure_rate(target: Target, version: str, window_s: float) -> str:
    """Triton's failures in a second by reason."""
    failures = target.model(names.TRITON_FAILURES, version)
    return f"sum by (reason) (rate({failures}[{_duration(window_s)}]))"


def model_queue_us(target: Target, version: str, window_s: float) -> str:
    """Microseconds that a request waited for the model, on average."""
    waited = _rate(target.model(names.TRITON_QUEUE_US, version), window_s)
    return f"{waited} / {_rate(target.model(names.TRITON_SUCCESSES, version), window_s)}"


def model_compute_us(target: Target, version: str, window_s: float) -> str:
    """Microseconds that the model computed for a request, on average."""
    computed = _rate(target.model(names.TRITON_COMPUTE_US, version), window_s)
    return f"{computed} / {_rate(target.model(names.TRITON_SUCCESSES, version), window_s)}"


def model_pending(target: Target, version: str) -> str:
    """Requests that wait for the model now."""
    return f"sum({target.model(names.TRITON_PENDING, version)})"


def _samples(selector: Selector, window_s: float) -> str:
    return f"{selector}[{_duration(window_s)}]"


def _rate(selector: Selector, window_s: float) -> str:
    return f"sum(rate({selector}[{_duration(window_s)}]))"


def _duration(seconds: float) -> str:
    assert seconds > 0, f"a window must be longer than nothing (got {seconds:g} s)"
    return f"{ceil(1000 * seconds)}ms"
