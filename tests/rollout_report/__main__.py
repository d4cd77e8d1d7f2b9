"""python -m tests.rollout_report [FOLDER]: measures, runs the faults, and writes `report.json` and `report.html`."""

import sys
import tempfile
from pathlib import Path

from cli.console import bar, fail
from demo.report import this_machine
from model.errors import UserError
from serving.judge.plan import Plan
from serving.simulation.report import simulate
from tests.rollout_report.measure import change_weights, roll_back, stage
from tests.rollout_report.page import render_page
from tests.rollout_report.report import RolloutReport, Simulation
from tests.rollout_report.tried import TOKENS, faults, run_tests, tokens
from tests.serving.faults.catalogue import CATALOGUE

NUM_CHANGES = 50
NUM_ROLLBACKS = 12
NUM_SIMULATED = 2000


def main(folder: Path) -> None:
    """All of it, one after the other, so that nothing disturbs what is measured."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root:
        night = stage(Path(root))
        try:
            with bar("changes of weights") as progress:
                changed = change_weights(night, NUM_CHANGES, progress)
            with bar("rollbacks") as progress:
                rolled_back = roll_back(night, NUM_ROLLBACKS, progress)
        finally:
            night.close()
    with bar("simulated rollouts") as progress:
        simulated = simulate(
            Plan(), requests_per_second=50.0, error_rate=0.01, rollouts=NUM_SIMULATED, seed=1, progress=progress
        )
    with bar("faults and tokens: some minutes"):
        outcomes = run_tests([*(test for fault in CATALOGUE for test in fault.tests), TOKENS], folder / "faults.log")
    names = Simulation.model_fields
    report = RolloutReport(
        weight_changes=changed.figures,
        rollback_seconds=rolled_back.figures,
        simulation=Simulation.model_validate({name: getattr(simulated.simulation, name) for name in names}),
        faults=faults(outcomes),
        jwt=tokens(outcomes),
        machine=this_machine(),
    )
    (folder / "report.json").write_text(report.model_dump_json(indent=2) + "\n")
    (folder / "report.html").write_text(render_page(report, changed, rolled_back))
    print(f"{folder / 'report.html'}: {report.faults.survived} of {report.faults.tried} faults survived")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/rollout"))
    except UserError as error:
        fail(error)
        sys.exit(1)
