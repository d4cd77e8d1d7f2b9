"""The error that a user can mend."""

from model.errors import UserError


def test_hint_stands_on_a_line_of_its_own() -> None:
    assert (
        str(UserError("`days` must be positive (got 0)", hint="say 30"))
        == "`days` must be positive (got 0)\n\nhint: say 30"
    )


def test_without_a_hint_only_the_message() -> None:
    assert str(UserError("no such table `x`")) == "no such table `x`"
