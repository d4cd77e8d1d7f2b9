"""Runs the chosen parts in order and keeps what each found: `report.json` is whole after every part."""

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench import cold, disturbances, microseconds, scaling, transports
from bench.contest import Turn, best_of, contest, endpoint_of, held_of, rate_of, ratio
from bench.contestants import ENDPOINT, LIMIT, endpoint, limit
from bench.cost import ASSUMPTIONS, tier_bills, usd_per_million
from bench.material import Material, make_material
from bench.page import write_page
from bench.peer_servers import peers
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
        parts: dict[str, Callable[[Material], None]] = {
            "endpoint": self._endpoint,
            "peers": self._peers,
            "microseconds": self._microseconds,
            "transports": self._transports,
            "disturbances": self._disturbances,
            "cold": self._cold,
            "cost": self._cost,
            "scaling": self._scaling,
        }
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

    def _peers(self, material: Material) -> None:
        def keep(turns: Turns) -> None:
            ours = turns[ENDPOINT]
            theirs = {name: done for name, done in turns.items() if name != ENDPOINT}
            best = best_of(theirs)
            found = ratio(ours, theirs[best]) if best else None
            self._keep(
                "peers",
                peers={name: rate_of(done) for name, done in theirs.items()},
                best_peer=best,
                ratio_to_best_peer=found.median if found else None,
                ratio_to_best_peer_range=(found.low, found.high) if found else None,
            )

        contestants = [endpoint(material), *peers(self.settings.peers, material)]
        contest(contestants, material, self.settings, self.say, keep)

    def _microseconds(self, material: Material) -> None:
        self._keep("microseconds", microseconds=microseconds.measure(material, self.settings, self.say))

    def _transports(self, material: Material) -> None:
        self._keep("transports", transports=transports.measure(material, self.settings, self.say))

    def _scaling(self, material: Material) -> None:
        self._keep("scaling", scaling=scaling.measure(material, self.settings, self.say))

    def _disturbances(self, material: Material) -> None:
        self._keep("disturbances", disturbances=disturbances.measure(material, self.settings, self.say))

    def _cold(self, material: Material) -> None:
        starts = cold.measure(material, self.settings, self.say)
        self._keep(
            "cold",
            cold_start_seconds=median(start.seconds for start in starts),
            cold_start_steps={step: median(start.steps[step] for start in starts) for step in starts[0].steps},
            first_hundred_ratio=median(start.first_ratio for start in starts),
        )

    def _cost(self, material: Material) -> None:
        """From the endpoint's rate, of this run or of one before."""
        if self.report.endpoint is None or not self.report.endpoint.rate:
            self.say("  no rate was measured, so nothing is priced")
            return
        rate = self.report.endpoint.rate
        priced = {tier: usd_per_million(bill, rate) for tier, bill in tier_bills().items()}
        self._keep("cost", usd_per_million=priced, usd_assumptions=ASSUMPTIONS)

    def _keep(self, part: str, **found: Any) -> None:  # noqa: ANN401 - the report's own fields
        """Put what was found into the report, and write it."""
        measured = {**self.report.measured, part: f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {busy_words()}"}
        self.report = Report.model_validate({**dict(self.report), "measured": measured, **found})
        write_report(self.report, self.settings.folder)
        write_page(self.report, self.settings.folder)


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
