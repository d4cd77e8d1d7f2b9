"""Names of a version's objects: short enough for all that is derived from them, and never the same for two things."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.release.names import LONGEST_LABEL, predictor, version_name

NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
DIGESTS = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)


@settings(deadline=None)
@given(endpoint=NAMES, version=NAMES, digest=DIGESTS, shape=st.text(max_size=20))
def test_every_name_is_good_for_kserve_and_a_service(endpoint: str, version: str, digest: str, shape: str) -> None:
    name = version_name(endpoint=endpoint, version=version, digest=digest, shape=shape)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(predictor(name)) <= LONGEST_LABEL
    assert name.startswith(endpoint)


def test_another_digest_or_shape_is_another_name() -> None:
    names = {
        version_name(endpoint="churn", version="v1", digest=f"sha256:{digit * 64}", shape=shape)
        for digit in "ab"
        for shape in ("cpu-1-2", "cpu-2-2")
    }
    assert len(names) == 4
    assert all(name.startswith(("churn-v1-aaaaaaaa-", "churn-v1-bbbbbbbb-")) for name in names)


def test_a_digest_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"digest: \(got md5:1\); allowed is sha256"):
        version_name(endpoint="churn", version="v1", digest="md5:1", shape="")
