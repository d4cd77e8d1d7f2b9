"""Where an arm's series are: the twin and the cluster, which measure the same under different names."""

from collections.abc import Mapping
from dataclasses import dataclass

from serving.signals import names


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """A metric and the labels that its series must have."""

    metric: str
    labels: Mapping[str, str]

    def __str__(self) -> str:
        """As PromQL has it."""
        chosen = ",".join(f"{label}={_quoted(value)}" for label, value in self.labels.items())
        return f"{self.metric}{{{chosen}}}"

    def with_suffix(self, suffix: str) -> "Selector":
        """The same of e.g. a histogram's `_bucket`."""
        return Selector(metric=f"{self.metric}{suffix}", labels=self.labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class TwinTarget:
    """The gateway of a twin."""

    endpoint: str
    scrape_interval_s: float = 1.0

    @property
    def code_label(self) -> str:
        """Holds the HTTP status of the answers that a series counts."""
        return names.ENVOY_CODE

    @property
    def stale_after_s(self) -> float:
        """A busy machine may miss a few scrapes."""
        return max(5.0, 3 * self.scrape_interval_s)

    def requests(self, version: str) -> Selector:
        """Answers of an arm by code."""
        return Selector(metric=names.ENVOY_REQUESTS, labels=self._arm(version))

    def latency(self, version: str) -> Selector:
        """The histogram of an arm."""
        return Selector(metric=names.ENVOY_LATENCY_MS, labels=self._arm(version))

    def uptime(self) -> Selector:
        """Of the process that counts."""
        return Selector(metric=names.ENVOY_UPTIME_S, labels=self._gateway())

    def model(self, metric: str, version: str) -> Selector:
        """One of Triton's or the model's own metrics."""
        return _of_model(metric, self.endpoint, version)

    def pairs(self, stable: str, other: str) -> Selector:
        """Answers of both to the same requests."""
        told = {names.PAIRS_STABLE: stable, names.PAIRS_OTHER: other}
        return Selector(metric=f"{names.PAIRS}_total", labels={**self._comparer(), **told})

    def comparing(self) -> Selector:
        """Whether what compares could be scraped."""
        return Selector(metric=names.SCRAPED, labels=self._comparer())

    def _comparer(self) -> dict[str, str]:
        return {"job": names.PAIRS_JOB, names.MODEL_ENDPOINT: self.endpoint}

    def _gateway(self) -> dict[str, str]:
        return {"job": names.GATEWAY_JOB, names.MODEL_ENDPOINT: self.endpoint}

    def _arm(self, version: str) -> dict[str, str]:
        return {**self._gateway(), names.ENVOY_ARM: version}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterTarget:
    """The mesh's gateway, whose requests Istio counts at the side that sends them."""

    endpoint: str
    services: Mapping[str, str]
    """Version -> its Service, e.g. `churn-v2-1a2b3c4d-5e6f-predictor`."""
    namespace: str
    """Of the models."""
    gateway_namespace: str = "istio-ingress"
    scrape_interval_s: float = 15.0

    @property
    def code_label(self) -> str:
        """Holds the HTTP status of the answers that a series counts; 0 where the caller left before."""
        return names.ISTIO_CODE

    @property
    def stale_after_s(self) -> float:
        """Three scrapes."""
        return 3 * self.scrape_interval_s

    def requests(self, version: str) -> Selector:
        """Answers of an arm by code."""
        return Selector(metric=names.ISTIO_REQUESTS, labels=self._arm(version))

    def latency(self, version: str) -> Selector:
        """The histogram of an arm."""
        return Selector(metric=names.ISTIO_LATENCY_MS, labels=self._arm(version))

    def uptime(self) -> Selector:
        """Of each gateway pod."""
        return Selector(metric=names.ENVOY_UPTIME_S, labels={"namespace": self.gateway_namespace})

    def model(self, metric: str, version: str) -> Selector:
        """One of Triton's or the model's own metrics; a series for each of the version's pods."""
        return _of_model(metric, self.endpoint, version)

    def _arm(self, version: str) -> dict[str, str]:
        return {
            names.ISTIO_REPORTER: "source",
            names.ISTIO_FROM_NAMESPACE: self.gateway_namespace,
            names.ISTIO_ARM_NAMESPACE: self.namespace,
            names.ISTIO_ARM: self._service(version),
        }

    def _service(self, version: str) -> str:
        assert version in self.services, f"no service of {version} (known: {', '.join(self.services)})"
        return self.services[version]


Target = TwinTarget | ClusterTarget


def _of_model(metric: str, endpoint: str, version: str) -> Selector:
    return Selector(metric=metric, labels={names.MODEL_ENDPOINT: endpoint, names.MODEL_VERSION: version})


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
