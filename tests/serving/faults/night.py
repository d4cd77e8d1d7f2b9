"""A stage whose release file lies in git, with a plan of short steps: what a conductor needs, and what can break."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.stats import binomtest

from serving.conductor.action import Action, End
from serving.conductor.conducting import Conductor, Pass
from serving.conductor.plane import Plane
from serving.conductor.progress import Progress
from serving.conductor.twin_plane import TwinPlane
from serving.judge.evidence import SeriesState, Signal, Window
from serving.load import LoadRunner
from serving.load_result import LoadResult
from serving.release import Release
from serving.release_change import Change
from serving.release_repository import commit_change, history, read_head
from serving.release_verbs import canary, register
from serving.twin.run import twin_reconcile, twin_status
from serving.twin.status import TwinStatus
from tests.serving.fake_repository import MODEL_NAME, Behaviour, write_repository
from tests.serving.stage import Stage
from tests.serving.waiting import wait_for

RATE_PER_S = 120
WITHIN_S = 120.0
PLAN: dict[str, Any] = {
    "steps": [
        {"weight": 20, "min_samples": 60, "min_minutes": 0, "max_minutes": 10},
        {"weight": 50, "min_samples": 60, "min_minutes": 0, "max_minutes": 10},
    ],
    "metrics": [{"name": "failures", "margin": 0.25, "alpha": 0.05}],
    "warm_up_seconds": 0,
    "window_seconds": 1,
}
"""So short that a rollout takes some seconds; no plan for people."""
LONG_MS = 2_000.0
"""What a caller would call long, even on a machine that is busy with other tests."""
CHANCE = 1e-6
"""Of a split that is as asked to be called wrong."""
SHORT = 0.1
"""Minutes that a step may take where a test waits for its end."""


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


@dataclass(kw_only=True, slots=True)
class Night(Stage):
    """Everything lies below `root`, as in a run folder."""

    plan: dict[str, Any] = field(default_factory=lambda: PLAN)

    @property
    def checkout(self) -> Path:
        return self.root / "releases"

    @property
    def release_path(self) -> Path:
        return self.checkout / "stacks/releases/dev/churn.yaml"

    def do(self, verb: Callable[[Release], Change]) -> None:
        if not self.checkout.exists():
            self.checkout.mkdir(parents=True)
            git(self.checkout, "init", "--quiet", "--initial-branch=main")
        self.release = commit_change(self.release_path, verb).change.release

    def add_version(self, name: str, behaviour: Behaviour | None = None, **facts: Any) -> None:
        """A bias that is told stays as it is."""
        if behaviour is None or behaviour.bias == 0:
            Stage.add_version(self, name, behaviour, **facts)
            return
        artifact = write_repository(self.root / name, behaviour, **facts)
        self.do(partial(register, version=name, digest=artifact.digest, uri=name, registered=datetime.now(UTC)))

    def bias(self, version: str) -> float:
        """By which its scores differ from the price."""
        told = json.loads((self.root / version / MODEL_NAME / "1/behaviour.json").read_text())
        return float(told["bias"])

    def read(self) -> Release:
        """The file as it is committed now."""
        self.release = read_head(self.release_path)
        return self.release

    def edit(self, change: Callable[[dict[str, Any]], None], message: str = "by hand") -> None:
        """What a person does with an editor and `git commit`."""
        fields = yaml.safe_load(self.release_path.read_text())
        change(fields)
        self.release_path.write_text(yaml.safe_dump(fields, sort_keys=False))
        self.commit(message)

    def commit(self, message: str) -> None:
        git(self.checkout, "-c", "user.name=ada", "-c", "user.email=ada@example.com", "commit", "-qam", message)
        self.read()

    def write_plan(self, *, step: Mapping[str, Any] | None = None, **changed: Any) -> None:
        """The short plan, with other values in each step, or in the plan itself."""
        steps = [each | dict(step or {}) for each in self.plan["steps"]]
        plan = self.plan | {"steps": steps} | changed
        self.edit(lambda fields: fields.update(plan=plan, expected_rate_per_second=100_000.0), "a plan")

    def begin(self, behaviour: Behaviour | None = None, **changed: Any) -> str:
        """Write a plan and commit a candidate at its first step; nothing follows yet."""
        self.write_plan(**changed)
        version = self.add_next(behaviour)
        self.do(partial(canary, version=version, now=datetime.now(UTC)))
        return version

    def conductor(self, plane: Plane | None = None, *, stay: bool = False) -> Conductor:
        plane = plane or TwinPlane(folder=self.folder, scrape_interval_s=0.5)
        return Conductor(path=self.release_path, plane=plane, stay=stay)

    @contextmanager
    def conducted(
        self, plane: Plane | None = None, *, stay: bool = False, by: Conductor | None = None
    ) -> Iterator["Conducted"]:
        """A conductor at work beside the test."""
        conducted = Conducted(conductor=by or self.conductor(plane, stay=stay))
        conducted.thread.start()
        try:
            yield conducted
        finally:
            conducted.conductor.stopping.set()
            conducted.thread.join(WITHIN_S)
        if conducted.failure is not None:
            raise conducted.failure

    @contextmanager
    def loaded(self, rate_per_s: float = RATE_PER_S) -> Iterator["Loaded"]:
        """Load all the while."""
        runner = self.load(rate_per_s)
        loaded = Loaded(runner=runner)
        try:
            yield loaded
        finally:
            loaded.result = runner.stop()

    def weights(self) -> dict[str, int]:
        """By the routes that the gateway has taken over."""
        return {one.version: one.weight for one in self.now().versions if one.weight}

    def now(self) -> TwinStatus:
        return twin_status(self.folder)

    def subjects(self) -> list[str]:
        """Of the file's commits, the newest first, without what stands before the colon."""
        return [entry.subject.partition("): ")[2] or entry.subject for entry in history(self.release_path)]

    def verbs(self) -> list[str]:
        """Of this trial's commits by verbs, the oldest first."""
        verbs = [entry.trailers.get("Verb", "by hand") for entry in reversed(history(self.release_path, limit=500))]
        last = max((place for place, verb in enumerate(verbs) if verb == "canary"), default=0)
        return verbs[last:]

    def settle(self) -> None:
        """Whatever a test left: nothing edited, nothing on trial, nothing held, and the twin serves the file."""
        git(self.checkout, "checkout", "--quiet", "HEAD", "--", ".")
        release = self.read()
        if release.candidate or release.hold or release.shadow:
            self.edit(_nothing_on_trial, "settle")
        self.status = twin_reconcile(self.folder)
        progress = Progress(release_path=self.release_path).folder / "look.json"
        progress.unlink(missing_ok=True)


def _nothing_on_trial(fields: dict[str, Any]) -> None:
    fields["candidate"] = None
    for name in ("hold", "shadow"):
        fields.pop(name, None)


@dataclass(kw_only=True, slots=True)
class Loaded:
    """What callers saw, once the load has ended."""

    runner: LoadRunner
    result: LoadResult | None = None

    def answered(self) -> int:
        """So far, good or not."""
        return self.runner.progress()[0]

    def lost_among_last(self, count: int) -> int:
        """Of the requests that were planned last."""
        assert self.result is not None
        return int((self.result.status[-count:] != 200).sum())

    def median_ms(self, version: str) -> float:
        """Of what one version answered."""
        assert self.result is not None
        return float(np.median(self.result.of_version(version).latency_ms))

    @property
    def lost(self) -> int:
        """Requests without a good answer."""
        assert self.result is not None
        return self.result.summary().failures

    @property
    def sent(self) -> int:
        assert self.result is not None
        return len(self.result.status)

    @property
    def lost_by_version(self) -> dict[str, int]:
        assert self.result is not None
        return dict(self.result.summary().failures_by_version)

    @property
    def by_version(self) -> dict[str, int]:
        assert self.result is not None
        return dict(self.result.summary().requests_by_version)

    def assert_calm(self) -> None:
        """Nobody lost anything, and at most one in a hundred waited long: p99 as a count."""
        assert self.result is not None
        summary = self.result.summary()
        assert summary.failures == 0, (summary.failures_by_status, summary.failures_by_version, summary.errors)
        slow = int((self.result.latency_ms > LONG_MS).sum())
        assert slow <= self.sent // 100, f"{slow} of {self.sent} took more than {LONG_MS:g} ms"


@dataclass(kw_only=True, slots=True)
class Conducted:
    """A conductor in a thread, and all that it did."""

    conductor: Conductor
    passes: list[Pass] = field(default_factory=list)
    failure: BaseException | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, name="conductor", daemon=True)

    def _run(self) -> None:
        try:
            self.conductor.run(on_pass=self.passes.append)
        except BaseException as error:
            self.failure = error

    def until(self, condition: Callable[[Pass], bool], what: str, *, within_s: float = WITHIN_S) -> Pass:
        """The first pass for which it holds; a conductor that ends before that is a failure."""
        seen = 0

        def holds() -> bool:
            nonlocal seen
            while seen < len(self.passes):
                if condition(self.passes[seen]):
                    return True
                seen += 1
            assert self.thread.is_alive(), f"it ended before {what}: {self.told()}; {self.failure}"
            return False

        wait_for(holds, within_s=within_s, what=f"{what} ({self.told()})")
        return self.passes[seen]

    def end(self, *, within_s: float = WITHIN_S) -> End:
        """How it ended by itself."""
        wait_for(lambda: not self.thread.is_alive(), within_s=within_s, what="the end")
        if self.failure is not None:
            raise self.failure
        last = self.passes[-1].action
        assert isinstance(last, End), self.told()
        return last

    def assert_split_as_asked(self) -> None:
        """At every weight, the candidate's share of what was counted is the one that was asked for."""
        counted: dict[float, tuple[int, int]] = {}
        for window in _windows(self.passes):
            candidate, both = counted.get(window.asked_percent, (0, 0))
            arms = (window.candidate.requests, window.stable.requests)
            counted[window.asked_percent] = (candidate + arms[0], both + sum(arms))
        assert counted, "nothing was counted"
        for asked, (candidate, both) in counted.items():
            chance = binomtest(candidate, both, asked / 100).pvalue
            assert chance > CHANCE, f"{candidate} of {both} at {asked:g} %"

    def told(self) -> list[str]:
        """The last few things that it did, in words."""
        return [_words(done.action) for done in self.passes[-6:]]


def _windows(passes: Sequence[Pass]) -> list[Window]:
    """Of all looks, each once; only those in which both arms were counted."""
    looks = [done.weighed.evidence for done in passes if done.weighed]
    windows = {window.start: window for look in looks for window in look.windows}
    return [
        window
        for window in windows.values()
        if all(arm.state(Signal.REQUESTS) is SeriesState.PRESENT for arm in (window.stable, window.candidate))
        and window.stable.requests + window.candidate.requests
    ]


def _words(action: Action) -> str:
    return f"{type(action).__name__.lower()}: {action.reason}"
