"""All shipped protocols, one after the other, into one report: every figure that docs/model.md shows.

stillhouse reproduce --data DIR --run runs/model
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from model.checkpoint import quiet
from model.errors import UserError
from model.progress import Progress, silent
from model.protocol.outcome import Result
from model.protocol.page import write_page
from model.protocol.protocol import FolderTables, Protocol, ShopTables, read_protocol
from model.protocol.report import Report, Skipped, make_report, tables
from model.protocol.run import run_protocol
from model.protocol.tables import find_folder
from model.run_folder import RunFolder
from model.shop.state import Signal

REPORT_FILE = "report.json"
TABLES_FILE = "report.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """How much of it."""

    seeds: int | None = None
    """None: as many as each protocol says."""
    row_visits: int | None = None
    """The same."""
    models: tuple[str, ...] | None = None
    """None: those of each protocol."""
    signal_seeds: int = 1
    """Of each table with a signal of the simulated shop switched off; 0 leaves these tables out."""


def read_protocols(folder: Path) -> tuple[Protocol, ...]:
    """Every protocol of a folder, by name.

    Raises:
        UserError: none there, or a faulty one.
    """
    found = tuple(read_protocol(path) for path in sorted(folder.glob("*.yaml")))
    if not found:
        raise UserError(f"no protocol in `{folder}`", hint="give `--protocols` with a folder of .yaml files")
    return found


def reproduce(
    protocols: Sequence[Protocol],
    data: Path | None,
    run: RunFolder,
    settings: Reproduction,
    progress: Progress = silent,
    say: Callable[[str], None] = quiet,
) -> Report:
    """Run what is not done yet; write `report.json`, `report.md` and `report.html` anew after every protocol.

    Args:
        protocols: to run.
        data: holds the folders of tables; protocols whose folder is not there are skipped by name.
        run: where all of it is kept.
        settings: how much.
        progress: told of one protocol after the other.
        say: told of every unit.
    """
    results: list[Result] = []
    without: dict[str, list[Result]] = {}
    skipped = [
        Skipped(protocol=p.name, reason=f"no folder `{p.tables.folder}`")
        for p in protocols
        if isinstance(p.tables, FolderTables) and not _is_there(p.tables, data)
    ]
    missing = {each.protocol for each in skipped}
    report = make_report(results, without, skipped)
    for protocol, signal in _jobs([p for p in protocols if p.name not in missing], settings):
        result = run_protocol(protocol, data, run.protocol(protocol.name), progress, say)
        if signal is None:
            results.append(result)
        else:
            without.setdefault(signal, []).append(result)
        report = make_report(results, without, skipped)
        (run.root / REPORT_FILE).write_text(report.model_dump_json(indent=2) + "\n")
        (run.root / TABLES_FILE).write_text(tables(report, results))
        write_page(results, run.root, skipped)
    return report


def _jobs(protocols: Sequence[Protocol], settings: Reproduction) -> list[tuple[Protocol, Signal | None]]:
    """Protocols as they are, then those of the shop with each signal off."""
    jobs: list[tuple[Protocol, Signal | None]] = []
    for protocol in protocols:
        models = None if settings.models is None else [name for name in protocol.models if name in settings.models]
        if models == []:
            continue
        jobs.append((protocol.changed(models=models, seeds=settings.seeds, row_visits=settings.row_visits), None))
    shops = [protocol for protocol, _ in jobs if isinstance(protocol.tables, ShopTables)]
    if settings.signal_seeds:
        jobs += [
            (protocol.changed(seeds=settings.signal_seeds, without=(signal,)), signal)
            for protocol in shops
            for signal in get_args(Signal)
        ]
    return jobs


def _is_there(tables: FolderTables, data: Path | None) -> bool:
    try:
        find_folder(tables, data)
    except UserError:
        return False
    return True
