"""Publishing to a real Envoy: taken over, refused and put back, or not answered at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from serving.twin.envoy import clusters
from serving.twin.envoy_admin import EnvoyAdmin
from serving.twin.envoy_routes import routes
from serving.twin.paths import TwinPaths, find_triton
from serving.twin.process import free_port, kill_child
from serving.twin.programs import EnvoyProgram
from serving.twin.publisher import RefusedError, publish, write_watched
from serving.twin.routing import Patience, Routing
from serving.twin.settings import TwinSettings
from serving.twin.supervisor import prepare_files

FIRST = routes(Routing(model_name="churn", weights={}, patience=Patience(total_s=5)))
SECOND = routes(Routing(model_name="other", weights={}, patience=Patience(total_s=5)))


def with_envoy(folder: Path, scenario: Callable[[EnvoyAdmin, Path], Awaitable[None]]) -> None:
    async def run() -> None:
        paths = TwinPaths(folder=folder)
        prepare_files(paths, find_triton())
        write_watched(paths.xds, "cds", clusters([], model_name="churn"))
        write_watched(paths.xds, "rds", FIRST)
        settings = TwinSettings(folder=folder, release_path=folder, root=folder)
        async with aiohttp.ClientSession() as session:
            program = EnvoyProgram(settings=settings, paths=paths, session=session)
            process = await program.start()
            try:
                await scenario(program.admin, paths.xds)
            finally:
                await kill_child(process)

    asyncio.run(run())


def file_of(xds: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((xds / "rds/rds.json").read_text())
    return answer


def test_envoy_takes_over_what_is_good_and_refuses_what_is_not(tmp_path: Path) -> None:
    async def scenario(admin: EnvoyAdmin, xds: Path) -> None:
        await publish(admin, xds, "rds", SECOND)
        assert (await admin.taken("rds")).version == SECOND["version_info"]
        broken = json.loads(json.dumps(FIRST))
        broken["version_info"] = "broken"
        broken["resources"][0]["virtual_hosts"][0]["domains"] = ["*", "*"]
        with pytest.raises(RefusedError, match=f"it keeps {SECOND['version_info']}"):
            await publish(admin, xds, "rds", broken)
        assert file_of(xds) == SECOND
        assert (await admin.taken("rds")).version == SECOND["version_info"]
        await publish(admin, xds, "rds", FIRST)
        assert (await admin.taken("rds")).version == FIRST["version_info"]

    with_envoy(tmp_path, scenario)


def test_an_envoy_that_is_away_is_waited_for_and_the_file_put_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        write_watched(tmp_path, "rds", FIRST)
        async with aiohttp.ClientSession() as session:
            admin = EnvoyAdmin(session=session, port=free_port())
            with pytest.raises(TimeoutError, match="takeover of rds"):
                await publish(admin, tmp_path, "rds", SECOND, within_s=0.2)
        assert file_of(tmp_path) == FIRST

    asyncio.run(scenario())


def test_a_rename_leaves_no_draft(tmp_path: Path) -> None:
    write_watched(tmp_path, "rds", FIRST)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["rds.json"]
