"""What a version's objects are called; a name never means another digest or another shape of pod."""

import hashlib
from collections.abc import Mapping

PREDICTOR_SUFFIX = "-predictor"
"""KServe appends it to an InferenceService's name for the Deployment and the Service behind it."""
LONGEST_LABEL = 63
"""Letters in a Service's name, and in a label's value."""
ENDPOINT_LABEL = "stillhouse.dev/endpoint"
VERSION_LABEL = "stillhouse.dev/version"
DIGEST_ANNOTATION = "stillhouse.dev/digest"
ISVC_LABEL = "serving.kserve.io/inferenceservice"
"""KServe puts it on a predictor's pods; its value is the InferenceService's name."""
_DIGEST_LETTERS = 8
_SHAPE_LETTERS = 4
_LONGEST = LONGEST_LABEL - len(PREDICTOR_SUFFIX)


def version_name(*, endpoint: str, version: str, digest: str, shape: str) -> str:
    """`<endpoint>-<version>-<digest>-<shape>`, short enough for what KServe derives from it.

    Args:
        endpoint: a DNS label of at most 32 letters.
        version: likewise; its end is cut off where the name would be too long.
        digest: `sha256:...` of the artifact.
        shape: what else makes other pods, e.g. their resources, as text.
    """
    kind, _, hexadecimal = digest.partition(":")
    if kind != "sha256" or len(hexadecimal) != 64:
        raise ValueError(f"digest: (got {digest}); allowed is sha256: and 64 hexadecimal digits")
    ending = f"-{hexadecimal[:_DIGEST_LETTERS]}-{hashlib.sha256(shape.encode()).hexdigest()[:_SHAPE_LETTERS]}"
    return f"{endpoint}-{version}"[: _LONGEST - len(ending)].rstrip("-") + ending


def predictor(name: str) -> str:
    """The Deployment and the Service that KServe makes for an InferenceService."""
    return f"{name}{PREDICTOR_SUFFIX}"


def labels(*, endpoint: str, version: str) -> Mapping[str, str]:
    """Labels of a version's objects, which KServe copies to its pods."""
    return {ENDPOINT_LABEL: endpoint, VERSION_LABEL: version}
