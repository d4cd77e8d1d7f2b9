"""Runs the chosen parts in order and keeps what each found: `report.json` is whole after every part."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contest import Turn, contest, endpoint_of, held_of, rate_of, ratio
from bench.contestants import ENDPOINT, LIMIT, endpoint, limit
from bench.material import Material, make_material
from bench.report import Report, read_report, write_report
from bench.settings import BenchSettings

Say = Callable[[str], None]
Turns = Mapping[str, Sequence[Turn]]


class Bench:
    """One run."""

    def __init__(self, settings: BenchSettings, say: Say) -> None:
        self.settings, self.say = settings, say
        settings.folder.mkdir(parents=True, exist_ok=True)
        before = read_report(settings.folder)
        machine = describe_machine()
        same = before is not None and before.machine == machine and before.bound_ms == settings.bound_ms
        self.report = before if before and same else Report(machine=machine, bound_ms=settings.bound_ms)

    def run(self) -> Report:
        """Measure all chosen parts."""
        self.say("making the model, its embeddings and 128 requests")
        material = make_material(self.settings.folder / "material", self.settings.num_embeddings)
        parts: dict[str, Callable[[Material], None]] = {"endpoint": self._endpoint}
        for part in self.settings.parts:
            self.say(f"\n{part}")
            parts[part](material)
        return self.report

    def _endpoint(self, material: Material) -> None:
        def keep(turns: Turns) -> None:
            ours, empty = turns.get(ENDPOINT, ()), turns.get(LIMIT, ())
            found = ratio(ours, empty)
            self._keep(
                "endpoint",
                endpoint=endpoint_of(ours) if ours else None,
                steps=held_of(ours, self.settings.bound_ms),
                limit=rate_of(empty) if empty else None,
                ratio_to_limit=found.median if found else None,
                ratio_to_limit_range=(found.low, found.high) if found else None,
            )

        contest([endpoint(material), limit(material)], material, self.settings, self.say, keep)

    def _keep(self, part: str, **found: Any) -> None:  # noqa: ANN401 - the report's own fields
        """Put what was found into the report, and write it."""
        measured = {**self.report.measured, part: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {busy_words()}"}
        self.report = Report.model_validate({**dict(self.report), "measured": measured, **found})
        write_report(self.report, self.settings.folder)


def describe_machine() -> str:
    """Processor, cores and memory."""
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory_gib:.0f} GiB, Linux {platform.release().split('-')[0]}"


def busy_words() -> str:
    """What else the machine did: a benchmark of one who does not know that is worth little."""
    policies = {os.SCHED_OTHER: "ordinary", os.SCHED_RR: "real-time", os.SCHED_FIFO: "real-time"}
    policy = policies.get(os.sched_getscheduler(0), "another")
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    return f"load average {os.getloadavg()[0]:.1f}, {policy} priority, niceness {niceness}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
