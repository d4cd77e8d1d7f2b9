"""What the plan itself finds, beside the policies: pods that do not fit, types without a price, example values."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from infra.cluster.releases import PLACE
from infra.cluster.support import BY_VERSION, SOURCE, Support, support_on
from infra.policies.rule import Finding, Level
from stacks.bill.bill import Bill
from stacks.fit import Fit
from stacks.settings.network import CreateNetwork
from stacks.settings.settings import Settings

NOTICE = timedelta(days=90)
"""How long before the end of support a plan begins to warn."""
EXAMPLES = {
    "example.com": "a domain that is reserved for examples",
    "github.com/example/": "a repository that does not exist",
    "example-": "a bucket that does not exist",
    "203.0.113.": "addresses that are reserved for examples",
    "111122223333": "an account that AWS uses in examples",
    "EXAMPLE": "an id that AWS uses in examples",
    "sha256:" + 64 * "0": "the digest of no image",
}
"""What the shipped stack files hold where only you know the value -> why it cannot work."""


def placeholder_findings(settings: Settings) -> Iterator[Finding]:
    """One that names every setting that still holds an example."""
    texts = list(_texts(settings.model_dump(mode="json"), ""))
    found = [f"stillhouse:{path} ({why})" for path, value in texts if (why := _why_example(value))]
    if found:
        message = f"still examples, put your own before `pulumi up`: {', '.join(found)}"
        yield _finding("no-example-settings", Level.ADVISORY, message, "the shipped stack files")


def fit_findings(found: Fit | None) -> Iterator[Finding]:
    """Whether the system pods fit, and whether they survive the loss of a node."""
    if found is None:
        message = "the program does not tell what its pods request, so nobody knows whether they fit"
        yield _finding("system-pods-fit", Level.ADVISORY, message, "")
        return
    nodes = f"{found.num_nodes} x {found.node_type}"
    if not found.fits:
        message = f"no room on {nodes} for {', '.join(found.full.left_over)}; add nodes or choose a larger type"
        yield _finding("system-pods-fit", Level.MANDATORY, message, "EKS guide: reliability of the data plane")
    elif not found.survives:
        message = (
            f"with one of {nodes} lost, these pods wait for it to come back: {', '.join(found.one_lost.left_over)}"
        )
        yield _finding("system-pods-survive", Level.ADVISORY, message, "EKS guide: reliability of the data plane")


def bill_findings(bill: Bill) -> Iterator[Finding]:
    """A type that nobody has priced makes the sums a lower bound."""
    for token in bill.unpriced:
        message = f"{token} has neither a price nor a reason to be free, so the sums are too low"
        yield _finding("everything-priced", Level.MANDATORY, message, "stacks/bill")


def reach_findings(settings: Settings) -> Iterator[Finding]:
    """A network that does not exist yet holds nobody who could reach a private API."""
    if isinstance(settings.network, CreateNetwork) and not settings.cluster.public_access_cidrs:
        message = (
            "the first `pulumi up` makes the network and then talks to the cluster in it, where nothing stands yet:"
            " name stillhouse:cluster.public_access_cidrs for that run (docs/platform.md, `The first time`)"
        )
        yield _finding("first-update-reaches-the-api", Level.ADVISORY, message, "EKS guide: private clusters")


def support_findings(settings: Settings, day: date) -> Iterator[Finding]:
    """Standard support that has ended or soon will.

    Only advice: what nobody has changed must not stop being allowed overnight, and the cluster goes on in any case.
    """
    version = settings.cluster.kubernetes_version
    window, support = BY_VERSION[version], support_on(version, day)
    way_out = f"upgrade to a version with a later row in {PLACE} (docs/platform.md, `Upgrades`)"
    if support is not Support.STANDARD:
        message = f"standard support of Kubernetes {version} ended on {window.standard_until}: {way_out}"
        yield _finding("kubernetes-is-supported", Level.ADVISORY, message, SOURCE)
    elif day + NOTICE >= window.standard_until:
        left = (window.standard_until - day).days
        message = f"standard support of Kubernetes {version} ends on {window.standard_until}, in {left} days: {way_out}"
        yield _finding("kubernetes-is-supported", Level.ADVISORY, message, SOURCE)


def _why_example(value: str) -> str | None:
    return next((why for text, why in EXAMPLES.items() if text in value), None)


def _finding(rule: str, level: Level, message: str, source: str) -> Finding:
    return Finding(rule=rule, level=level, resource="", message=message, source=source)


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{position}")
