"""The control protocol over a real socket."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from model.errors import UserError
from serving.twin.control import Verb, call, serve_control


def ask(path: Path, verb: Verb, /, **arguments: str) -> dict[str, Any]:
    """Serve on the path, ask once from another thread, and close."""

    async def handle(verb: Verb, arguments: dict[str, Any]) -> dict[str, Any]:
        if verb == "reconcile":
            raise UserError("the file is wrong (got 7)", hint="mend it")
        if verb == "refresh":
            raise ZeroDivisionError("ours")
        return {"verb": verb, **arguments}

    async def scenario() -> dict[str, Any]:
        server = await serve_control(path, handle)
        async with server:
            return await asyncio.to_thread(call, path, verb, within_s=60, **arguments)

    return asyncio.run(scenario())


def test_a_verb_and_its_arguments_arrive(tmp_path: Path) -> None:
    assert ask(tmp_path / "s", "status", path="a name") == {"verb": "status", "path": "a name"}
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


def test_the_users_error_comes_back_whole(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^the file is wrong \(got 7\)\n\nhint: mend it$"):
        ask(tmp_path / "s", "reconcile")


def test_an_error_of_ours_comes_back_with_its_name_and_stays_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(UserError, match="ZeroDivisionError: ours"):
        ask(tmp_path / "s", "refresh")
    assert "ZeroDivisionError" in caplog.text


def test_a_long_path_works_and_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    for _ in range(2):
        assert ask(folder / "control.sock", "status") == {"verb": "status"}


def test_nobody_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        call(tmp_path / "s", "status", within_s=1)
