from datetime import date, timedelta

import pytest

from infra.cluster.releases import RELEASES, KubernetesRelease
from infra.cluster.support import AS_OF, WINDOWS, Support, support_on


def test_each_version_has_standard_then_extended_support() -> None:
    assert all(window.standard_until < window.extended_until for window in WINDOWS)
    standards = [window.standard_until for window in WINDOWS]
    assert standards == sorted(standards)


@pytest.mark.parametrize("window", WINDOWS)
def test_support_ends_on_the_day_that_the_table_names(window: object) -> None:
    from infra.cluster.support import Window

    assert isinstance(window, Window)
    day = timedelta(days=1)
    assert support_on(window.version, window.standard_until - day) is Support.STANDARD
    assert support_on(window.version, window.standard_until) is Support.EXTENDED
    assert support_on(window.version, window.extended_until - day) is Support.EXTENDED
    assert support_on(window.version, window.extended_until) is Support.ENDED


@pytest.mark.parametrize("release", RELEASES)
def test_what_can_be_asked_for_had_standard_support_when_the_table_was_made(release: KubernetesRelease) -> None:
    assert support_on(release.version, AS_OF + timedelta(days=90)) is Support.STANDARD


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got version '1\.99'"):
        support_on("1.99", date(2026, 11, 20))
