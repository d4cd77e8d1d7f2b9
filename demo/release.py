"""The serving half of the demo: three versions, one URL, load all the time, every change a commit in git."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from demo.evidence import Step
from demo.line import NS_PER_HOUR, SECOND_BATCH_HOURS, Labelled
from demo.outcome import Released, outcome
from demo.settings import DemoSettings
from demo.stage import Stage
from model.artifact import Artifact
from model.contract import read_contract
from model.errors import UserError
from model.payload import RequestValues, v2_body
from model.run_folder import RunFolder
from model.store.history import requests_from_store
from serving.client import PredictionClient, UnavailableError, entity_value
from serving.judge.evidence import Evidence, Version
from serving.judge.judging import judge
from serving.judge.plan import Metric, Plan
from serving.judge.plan import Step as PlanStep
from serving.judge.verdict import Judgement, Verdict
from serving.load import LoadRunner, LoadSettings
from serving.prometheus import Prometheus
from serving.release import Release
from serving.release_change import Change
from serving.release_repository import commit_change, history, read_head
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.signals.gather import gather
from serving.signals.targets import TwinTarget
from serving.twin.paths import TwinPaths
from serving.twin.run import twin_down, twin_reconcile, twin_refresh, twin_status, twin_up
from serving.twin.settings import TwinSettings
from serving.twin.status import TwinStatus
from serving.twin.tokens import open_issuer

ENVIRONMENT = "dev"
NUM_BODIES = 500
"""Different requests that the load sends in turn."""
GIVE_UP_S = 60.0
"""A condition that is not met by then is a fault of ours."""
PLAN = Plan(steps=(PlanStep(weight=10),), metrics=(Metric(name="failures"),), warm_up_seconds=0)
"""v3 is judged by its failures alone, and each look is a verdict."""


@dataclass(kw_only=True, slots=True)
class _Stretch:
    """The run so far: the load, and the steps that are over."""

    path: Path
    """The release file."""
    twin: Path
    load: LoadRunner
    begun: float
    per_step: int
    stage: Stage
    steps: list[Step] = field(default_factory=list)
    verb_seconds: dict[str, float] = field(default_factory=dict)
    """Seconds since the load began at which each step's verb was given."""

    def now_s(self) -> float:
        """Seconds since the load began."""
        return time.perf_counter() - self.begun

    def change(self, apply: Callable[[Release], Change]) -> None:
        """Commit a verb's outcome, and have the twin serve it."""
        commit_change(self.path, apply)
        twin_reconcile(self.twin)

    def step(
        self, name: str, apply: Callable[[Release], Change] | None, until: Callable[[], bool], newer: str = ""
    ) -> None:
        """Give the verb, wait until the condition holds, and note what was asked for meanwhile."""
        verb_s = self.now_s()
        if apply is not None:
            self.change(apply)
        start_s = self.now_s()
        wait_until(until, name)
        weights = read_head(self.path).weights()
        self.steps.append(Step(name=name, start_s=start_s, end_s=self.now_s(), weights=weights, newer=newer))
        self.verb_seconds[name] = verb_s
        self.stage.say(f"  {name}: " + ", ".join(f"{version} {weight} %" for version, weight in weights.items()))

    def enough(self) -> Callable[[], bool]:
        """A condition that holds when a step's worth of requests has been answered from now on."""
        before, _ = self.load.progress()
        return lambda: self.load.progress()[0] >= before + self.per_step


def run_release(
    folder: RunFolder, settings: DemoSettings, labelled: Labelled, repositories: Mapping[str, Artifact], stage: Stage
) -> Released:
    """Steps 6 to 8: the twin, the releases under load, and the refresh of embeddings."""
    contract = read_contract(repositories["v1"].path)
    keys = labelled.entities[:NUM_BODIES]
    values = requests_from_store(labelled.store, contract, keys, np.full(len(keys), labelled.anchor_ns))
    path = prepare_repository(folder.releases, contract.model_name)
    for version, artifact in repositories.items():
        commit_change(path, _register(version, artifact))
    commit_change(path, lambda release: promote(release, version="v1"))
    try:
        with stage.step("twin", "Start Triton and Envoy"):
            status = _up(TwinSettings(folder=folder.twin, release_path=path, root=folder.root.absolute()))
        stage.say(f"  {status.url}")
        token = open_issuer(TwinPaths(folder=folder.twin.absolute()).tokens).mint()
        load_settings = LoadSettings(
            url=status.url,
            model_name=contract.model_name,
            token=token,
            ca_path=Path(status.ca_path),
            rate_per_s=settings.requests_per_second,
            seed=settings.seed,
        )
        bodies = [json.dumps(v2_body(contract, each)).encode() for each in values]
        entities = [entity_value(each.facts[contract.embedding_key]) for each in values]
        load = LoadRunner(load_settings, bodies, entities=entities)
        load.start()
        stretch = _Stretch(
            path=path,
            twin=folder.twin,
            load=load,
            begun=time.perf_counter(),
            per_step=settings.requests_per_step,
            stage=stage,
        )
        try:
            with stage.step("release", "Release v2 and v3 under load"):
                judgement = _versions(stretch)
            with PredictionClient(status.url, token, Path(status.ca_path), contract) as client:
                seconds, refused = _refresh(folder, labelled, stretch, client, values[0])
        finally:
            result = load.stop()
    finally:
        twin_down(folder.twin)
    stage.say(f"  v3: {judgement.reason}")
    subjects = [entry.subject for entry in reversed(history(path))]
    return outcome(
        result, stretch.steps, stretch.verb_seconds, refresh_seconds=seconds, foreign_refused=refused, history=subjects
    )


def prepare_repository(root: Path, endpoint: str) -> Path:
    """Make a fresh git repository for release files, and return where the endpoint's file will be."""
    if root.exists():
        marker = root / ".git"
        if not marker.is_dir():
            raise UserError(
                f"`{root}` is in the way of the demo's git repository", hint="name another folder with --run"
            )
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        root.rename(root.with_name(f"{root.name}-before-{stamp}"))
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(root)], check=True, capture_output=True)
    return root / "stacks" / "releases" / ENVIRONMENT / f"{endpoint}.yaml"


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look every 20 ms until the condition holds.

    Raises:
        UserError: it did not within a minute; the twin's logs say why.
    """
    deadline = time.monotonic() + GIVE_UP_S
    while not condition():
        if time.monotonic() > deadline:
            raise UserError(f"{what}: not within {GIVE_UP_S:.0f} s", hint="see the logs in the run's `twin` folder")
        time.sleep(0.02)


def _up(settings: TwinSettings) -> TwinStatus:
    status = twin_up(settings)
    assert status is not None, "a twin in the background tells its status"
    return status


def _register(version: str, artifact: Artifact) -> Callable[[Release], Change]:
    uri = f"repositories/{artifact.path.name}"
    return lambda release: register(
        release, version=version, digest=artifact.digest, uri=uri, registered=datetime.now(UTC)
    )


def _versions(stretch: _Stretch) -> Judgement:
    """v1 serves; v2 goes to 10 %, 50 % and all; v3 goes to 10 % and is rolled back because of its errors.

    The errors tell after some dozen requests; the step goes on as long as the others, so that its split can be told.
    """
    stretch.step("v1 serves", None, stretch.enough())
    stretch.step("v2 at 10 %", lambda release: canary(release, version="v2", weight=10), stretch.enough(), newer="v2")
    stretch.step("v2 at 50 %", lambda release: ramp(release, weight=50), stretch.enough(), newer="v2")
    stretch.step("v2 promoted", lambda release: promote(release, version="v2"), stretch.enough())
    judged: list[Judgement] = []
    looks: list[Evidence] = []

    def harmful() -> bool:
        if not looks:
            looks.append(_first_look(stretch))
        if not enough():
            return False
        looks.append(_look(stretch, looks[-1]))
        judged.append(judge(looks[-1], PLAN, PLAN.steps[0]))
        return judged[-1].verdict is Verdict.ROLLBACK

    enough = stretch.enough()
    stretch.step(
        "v3 at 10 %",
        lambda release: canary(release, version="v3", weight=10),
        harmful,
        newer="v3",
    )
    reason = judged[-1].reason
    stretch.step("v3 rolled back", lambda release: rollback(release, reason=reason), stretch.enough())
    return judged[-1]


def _first_look(stretch: _Stretch) -> Evidence:
    """Of the two versions that serve now, before anything was counted."""
    release, now = read_head(stretch.path), datetime.now(UTC)
    assert release.stable is not None, "v2 was promoted"
    assert release.candidate is not None, "v3 is on trial"
    return Evidence(
        endpoint=release.endpoint,
        stable=Version(version=release.stable.version, digest=release.stable.digest, ready=now),
        candidate=Version(version=release.candidate.version, digest=release.candidate.digest, ready=now),
        step_start=now,
        gathered=now,
    )


def _look(stretch: _Stretch, before: Evidence) -> Evidence:
    """With what Prometheus has scraped of the gateway since."""
    prometheus = Prometheus(url=twin_status(stretch.twin).prometheus_url)
    target = TwinTarget(endpoint=before.endpoint)
    asked = read_head(stretch.path).weights()[before.candidate.version]
    look = gather(prometheus, target, before, asked_percent=asked, warm_up_s=0, now=datetime.now(UTC))
    return look.evidence


def _refresh(
    folder: RunFolder, labelled: Labelled, stretch: _Stretch, client: PredictionClient, values: RequestValues
) -> tuple[float, bool]:
    """(seconds until an answer used the second batch, whether the foreign batch was refused)."""
    wanted_ns = labelled.anchor_ns - SECOND_BATCH_HOURS * NS_PER_HOUR
    with stretch.stage.step("refresh", "Refresh the embeddings of the running server"):
        foreign_refused = False
        try:
            twin_refresh(folder.twin, folder.embeddings("embeddings_foreign"))
        except UserError as error:
            foreign_refused = True
            stretch.stage.say(f"  foreign batch: {str(error).splitlines()[0]}")
        begin = time.perf_counter()

        def renewed() -> bool:
            try:
                return client.predict(values).embedding_time_ns == wanted_ns
            except UnavailableError:
                return False

        seconds: list[float] = []

        def arrived() -> bool:
            if not seconds and renewed():
                seconds.append(time.perf_counter() - begin)
            return bool(seconds)

        twin_refresh(folder.twin, folder.embeddings("embeddings_second"))
        wait_until(arrived, "the second batch of embeddings")
        stretch.step("embeddings renewed", None, stretch.enough())
    return seconds[0], foreign_refused
