import pulumi

from infra.text import joined
from tests.infra.aws import run


def test_plain_parts_make_plain_text() -> None:
    assert joined("a", "/b") == "a/b"


def test_unknown_parts_make_an_output() -> None:
    def program() -> None:
        pulumi.export("text", joined("a", pulumi.Output.from_input("/b")))

    assert run(program).outputs["text"] == "a/b"
