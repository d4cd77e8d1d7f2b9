"""Bring a twin up, ask it, change it, take it down: what a command line or a test calls."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from model.errors import UserError
from serving.release import read_release
from serving.twin.control import Verb, call
from serving.twin.paths import TwinPaths, checkout_root, find_envoy, find_prometheus, find_triton
from serving.twin.service import serve
from serving.twin.settings import TwinSettings
from serving.twin.state import end_leftovers, is_supervised, supervisor_lock
from serving.twin.status import TwinStatus

_POLL_S = 0.05
_ANSWER_WITHIN_S = 10.0
_CHANGE_WITHIN_S = 180.0
_DOWN_WITHIN_S = 30.0


def twin_up(
    settings: TwinSettings, *, foreground: bool = False, on_ready: Callable[[TwinStatus], None] | None = None
) -> TwinStatus | None:
    """Start a twin and return when it serves.

    Args:
        settings: what to serve and where to keep files.
        foreground: run the supervisor in this process and return None when it was stopped.
        on_ready: called in the foreground when it serves.

    Raises:
        UserError: it is up already, something is missing, or the stable version cannot come up.
    """
    settings = settings.absolute()
    paths = _prepare(settings)
    if foreground:
        with supervisor_lock(settings.folder):
            asyncio.run(serve(settings, on_ready or (lambda status: None)))
        return None
    command = [sys.executable, "-m", "serving.twin.service", str(settings.folder)]
    started = subprocess.run(command, cwd=checkout_root(), stdout=subprocess.PIPE, text=True, check=True)
    try:
        return _await_ready(paths, int(started.stdout))
    except BaseException:
        twin_down(settings.folder)
        raise


def twin_down(folder: Path) -> None:
    """Stop a twin and all of its processes; also what a killed supervisor left behind. Nothing to stop is fine."""
    paths = TwinPaths(folder=folder.absolute())
    if is_supervised(paths.folder):
        pid = int(_call(paths, "stop", within_s=_ANSWER_WITHIN_S)["pid"])
        _await_end(pid)
    if paths.folder.is_dir():
        end_leftovers(paths.state)


def twin_status(folder: Path) -> TwinStatus:
    """What the twin says about itself.

    Raises:
        UserError: it is not up, or its supervisor was killed.
    """
    answer = _call(TwinPaths(folder=folder.absolute()), "status", within_s=_ANSWER_WITHIN_S)
    return TwinStatus.model_validate(answer)


def twin_reconcile(folder: Path) -> TwinStatus:
    """Make the twin serve what its release file says now.

    Raises:
        UserError: the file or a version is no good; what ran goes on.
    """
    answer = _call(TwinPaths(folder=folder.absolute()), "reconcile", within_s=_CHANGE_WITHIN_S)
    return TwinStatus.model_validate(answer)


def twin_refresh(folder: Path, embeddings_path: Path) -> tuple[str, ...]:
    """Give the running versions new embeddings, without a restart; the versions that use them now.

    Raises:
        UserError: they belong to another deep model, or are no embeddings.
    """
    paths = TwinPaths(folder=folder.absolute())
    answer = _call(paths, "refresh", within_s=_CHANGE_WITHIN_S, path=str(embeddings_path.absolute()))
    return tuple(answer["versions"])


def twin_rotate(folder: Path, what: str) -> str:
    """Change the server certificate, or the key that signs tokens, while requests come; what was done, in words.

    Args:
        folder: of the twin.
        what: `certificate`, or `key`, which leaves tokens of the present key good, or `revoke`, which refuses them.

    Raises:
        UserError: the twin is not up, there is no such thing, or Envoy did not take it.
    """
    return str(_call(TwinPaths(folder=folder.absolute()), "rotate", within_s=_CHANGE_WITHIN_S, what=what)["done"])


def _prepare(settings: TwinSettings) -> TwinPaths:
    """Find what can be found wrong before a process is started, and clean up after a killed supervisor."""
    find_triton(settings.triton_environment)
    find_envoy(settings.envoy_binary)
    find_prometheus(settings.prometheus_binary)
    read_release(settings.release_path)
    paths = TwinPaths(folder=settings.folder)
    paths.logs.mkdir(parents=True, exist_ok=True)
    if is_supervised(paths.folder):
        raise UserError(f"the twin in `{paths.folder}` is up already", hint="`twin down` stops it")
    end_leftovers(paths.state)
    paths.failure.unlink(missing_ok=True)
    paths.settings.write_text(settings.model_dump_json(indent=1))
    return paths


def _await_ready(paths: TwinPaths, pid: int) -> TwinStatus:
    while _runs(pid):
        try:
            answer = call(paths.socket, "status", within_s=_ANSWER_WITHIN_S)
        except OSError:
            answer = {}
        if answer.get("phase") == "ready" and answer["pid"] == pid:
            return TwinStatus.model_validate(answer)
        time.sleep(_POLL_S)
    raise _failure(paths)


def _failure(paths: TwinPaths) -> UserError:
    try:
        failure = json.loads(paths.failure.read_text())
    except FileNotFoundError:
        log = paths.log("supervisor")
        return UserError("the twin's supervisor ended before it was ready", hint=f"its log is `{log}`")
    return UserError(failure["error"], hint=failure["hint"])


def _await_end(pid: int) -> None:
    deadline = time.monotonic() + _DOWN_WITHIN_S
    while _runs(pid):
        if time.monotonic() > deadline:
            psutil.Process(pid).kill()
        time.sleep(_POLL_S)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _call(paths: TwinPaths, verb: Verb, *, within_s: float, **arguments: str) -> dict[str, Any]:
    if not is_supervised(paths.folder):
        was = "its supervisor was killed" if paths.state.exists() else "it was not started, or it was stopped"
        raise UserError(f"the twin in `{paths.folder}` is not up: {was}", hint="`twin up` starts it")
    try:
        return call(paths.socket, verb, within_s=within_s, **arguments)
    except OSError as error:
        raise UserError(
            f"the twin in `{paths.folder}` does not answer: {error}",
            hint=f"its log is `{paths.log('supervisor')}`; `twin down` stops it",
        ) from error
