"""Times and queries as people write them."""

from pathlib import Path

import pytest

from cli.options import parse_time, parse_times, read_query, show_time
from model.errors import UserError


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert parse_time("1970-01-02") == 86_400 * 10**9
    assert parse_time("1970-01-02T01:00+01:00") == 86_400 * 10**9
    assert show_time(parse_time("2024-11-30T12:00")) == "2024-11-30 12:00"
    assert parse_times("1970-01-01, 1970-01-02") == (0, 86_400 * 10**9)
    assert parse_times(None) is None


def test_no_such_time_is_refused() -> None:
    with pytest.raises(UserError, match=r"not a time \(got `31.12.2024`\)"):
        parse_time("31.12.2024")


def test_a_query_is_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "churn.pql").write_text("PREDICT a.b FOR EACH a.c")
    assert read_query(str(tmp_path / "churn.pql")) == "PREDICT a.b FOR EACH a.c"
    assert read_query("PREDICT a.b FOR EACH a.c") == "PREDICT a.b FOR EACH a.c"
    with pytest.raises(UserError, match="cannot read the query file"):
        read_query("nowhere.pql")
