"""Puts configuration where Envoy watches, in one step, and waits until Envoy says that it has taken it over."""

import json
import os
from pathlib import Path
from typing import Any

import aiohttp

from serving.twin.envoy_admin import EnvoyAdmin, Taken
from serving.twin.waiting import until


class RefusedError(Exception):
    """Envoy kept its old configuration."""


def write_watched(xds: Path, kind: str, answer: dict[str, Any]) -> None:
    """Rename `<xds>/<kind>/<kind>.json` into place; a reader sees the old file or the new one."""
    _rename_into_place(xds, kind, json.dumps(answer, indent=1))


async def publish(admin: EnvoyAdmin, xds: Path, kind: str, answer: dict[str, Any], *, within_s: float = 10.0) -> None:
    """Write `cds`, `rds` or `ecds` and return when Envoy works by it.

    Raises:
        RefusedError: Envoy found it wrong; the file is put back as it was.
        TimeoutError: Envoy did not answer in time.
    """
    before = (xds / kind / f"{kind}.json").read_text()
    if before == json.dumps(answer, indent=1):
        return
    refused_before = await _num_refused(admin, kind)
    write_watched(xds, kind, answer)

    async def taken() -> bool:
        try:
            now: Taken = await admin.taken(kind)
        except (TimeoutError, aiohttp.ClientError):
            return False
        if now.num_refused > refused_before:
            raise RefusedError(f"Envoy refused the new {kind}; it keeps {now.version}")
        return now.version == str(answer["version_info"])

    try:
        await until(taken, within_s=within_s, what=f"Envoy's takeover of {kind} {answer['version_info']}")
    except (RefusedError, TimeoutError):
        _rename_into_place(xds, kind, before)
        raise


def _rename_into_place(xds: Path, kind: str, text: str) -> None:
    target = xds / kind / f"{kind}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = xds / f".{kind}.{os.getpid()}"
    draft.write_text(text)
    draft.replace(target)


async def _num_refused(admin: EnvoyAdmin, kind: str) -> int:
    """So far; 0 while Envoy is down, as it counts from 0 when it comes back."""
    try:
        return (await admin.taken(kind)).num_refused
    except (TimeoutError, aiohttp.ClientError):
        return 0
