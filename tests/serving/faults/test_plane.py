"""Faults 14, 16, 17 and 18: the data plane refuses what the file says, or changes its own papers meanwhile."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from model.errors import UserError
from serving.conductor.action import Outcome, Wait
from serving.conductor.conducting import Pass
from serving.conductor.plane import Served
from serving.conductor.twin_plane import TwinPlane
from serving.release import Release
from serving.release_repository import history
from serving.release_verbs import rollback
from serving.signals.targets import TwinTarget
from serving.twin.envoy_admin import EnvoyAdmin
from serving.twin.paths import TwinPaths
from serving.twin.publisher import RefusedError, publish
from serving.twin.run import twin_reconcile, twin_rotate
from tests.serving.faults.breaking import gone_and_down
from tests.serving.faults.night import SHORT, Conducted, Night
from tests.serving.waiting import wait_for


@dataclass(kw_only=True)
class BrokenRoutes:
    """A twin whose new routes are such that its Envoy refuses them."""

    folder: Path
    admin_url: str
    asked: int = 0

    def sync(self) -> None:
        pass

    def target(self, release: Release) -> TwinTarget:
        return TwinPlane(folder=self.folder, scrape_interval_s=0.5).target(release)

    def served(self) -> Served:
        return TwinPlane(folder=self.folder).served()

    def follow(self) -> None:
        self.asked += 1
        asyncio.run(self._publish())

    async def _publish(self) -> None:
        paths = TwinPaths(folder=self.folder)
        routes = json.loads((paths.xds / "rds/rds.json").read_text())
        routes["version_info"] = f"broken-{self.asked}"
        routes["resources"][0]["virtual_hosts"][0]["domains"] = ["*", "*"]
        async with aiohttp.ClientSession() as session:
            admin = EnvoyAdmin(session=session, port=int(self.admin_url.rsplit(":", 1)[1]))
            try:
                await publish(admin, paths.xds, "rds", routes)
            except RefusedError as error:
                raise UserError(str(error)) from error


def within_step(conducted: Conducted) -> Pass:
    return conducted.until(
        lambda done: isinstance(done.action, Wait) and bool(done.weighed and done.weighed.judgement.candidate_requests),
        "a look within the step",
    )


def active(night: Night, version: str) -> int:
    """How many requests it works on."""

    async def count() -> int:
        async with aiohttp.ClientSession() as session:
            admin = EnvoyAdmin(session=session, port=int(night.now().admin_url.rsplit(":", 1)[1]))
            return (await admin.traffic([version]))[version].active

    return asyncio.run(count())


def test_envoy_refuses_the_new_routes_and_keeps_the_old_ones(night: Night) -> None:
    stable, version = night.stable, night.begin(step={"max_minutes": SHORT})
    plane = BrokenRoutes(folder=night.folder, admin_url=night.now().admin_url)
    with night.loaded() as load, night.conducted(plane=plane) as conducted:
        assert conducted.end().outcome is Outcome.HELD
    assert plane.asked >= 2, "it asks again before it gives up"
    load.assert_calm()
    assert set(load.by_version) == {stable}, "the candidate got nothing"
    assert night.weights() == {stable: 100}
    newest = history(night.release_path)[0]
    assert newest.trailers["Verdict"] == "error"
    assert "Envoy refused the new rds" in newest.subject
    assert night.read().candidate is not None
    assert night.release.candidate is not None
    assert night.release.candidate.version == version


def test_a_rollback_to_a_version_that_is_no_longer_stored_moves_no_traffic(night: Night) -> None:
    before, version = night.stable, night.begin()
    with night.loaded() as load:
        with night.conducted() as conducted:
            assert conducted.end().outcome is Outcome.PROMOTED
        answered = load.answered()
        wait_for(lambda: load.answered() >= answered + 20, what="answers to what was asked before")
        wait_for(lambda: active(night, before) == 0, what=f"the end of what {before} was asked")
        with ExitStack() as away:
            away.enter_context(gone_and_down(night, before))
            night.do(partial(rollback, version=version, reason="a bad night"))
            with night.conducted() as again:
                refused = again.until(lambda done: isinstance(done.action, Wait), "a data plane that refuses")
                assert before in refused.action.reason
                assert night.weights() == {version: 100}, "no request goes where nothing is"
                away.close()
                assert again.end().outcome is Outcome.ROLLED_BACK, "as soon as it is stored again"
        assert night.weights() == {before: 100}
    load.assert_calm()


@pytest.mark.parametrize("what", ["certificate", "key"])
def test_papers_change_within_a_step(night: Night, what: str) -> None:
    version = night.begin(step={"min_samples": 150})
    with night.loaded() as load, night.conducted() as conducted:
        within_step(conducted)
        twin_rotate(night.folder, "certificate" if what == "certificate" else "key")
        with night.http(night.issuer.mint()) as http:
            assert http.get("/v2/models/churn").status_code != 401
        assert conducted.end().outcome is Outcome.PROMOTED
    load.assert_calm()
    conducted.assert_split_as_asked()
    assert night.weights() == {version: 100}


def test_from_nothing_to_some_of_the_traffic_and_back(night: Night) -> None:
    stable = night.stable
    version = night.add_next()
    with night.loaded(200) as load:
        for weight in (1, 5, 20, 50, 80):
            night.canary(version, weight)
            answered = load.answered()
            wait_for(lambda answered=answered: load.answered() >= answered + 40, what="some answers")  # type: ignore[misc]
            night.edit(lambda fields: fields.update(candidate=None), "to nothing, by hand")
            twin_reconcile(night.folder)
            assert night.weights() == {stable: 100}
    load.assert_calm()
