"""python -m tests.rollout_report.figures REPORT.JSON: its figures between the marks of README and docs/releases.md."""

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from model.errors import UserError
from tests.rollout_report.report import RolloutReport

ROOT = Path(__file__).parents[2]
MARKS = re.compile(r"(<!-- rollouts:[^\n]*-->\n).*?(<!-- /rollouts -->)", re.DOTALL)


def main(path: Path) -> None:
    """Write both places.

    Raises:
        UserError: no report there, or a page without marks.
    """
    if not path.exists():
        raise UserError(f"no report at `{path}`", hint="`make rollout-report` writes it")
    report = RolloutReport.model_validate_json(path.read_text())
    day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    for page, text in ((ROOT / "README.md", sentence(report)), (ROOT / "docs/releases.md", table(report, day))):
        page.write_text(placed(page.read_text(), text, place=page.name))


def placed(page: str, text: str, *, place: str) -> str:
    """The page with the text between its marks."""
    written, times = MARKS.subn(lambda match: match[1] + text + match[2], page)
    if times != 1:
        raise UserError(f"`{place}`: marks `<!-- rollouts: ... -->` (got {times}, needs one pair)", hint="git has them")
    return written


def sentence(report: RolloutReport) -> str:
    """For the README."""
    changes, back, faults, jwt = report.weight_changes, report.rollback_seconds, report.faults, report.jwt
    return (
        f"Measured: {changes.count} changes of weights under load lost {changes.lost} of {changes.sent:,} requests; "
        f"a rollback takes {back.median:.2f} s (median of {back.count}, longest {back.max:.2f} s)\n"
        f"from the verb to the candidate's last answer; {faults.survived} of {faults.tried} faults survived, "
        f"{jwt.wrong} of {jwt.cases} tokens judged wrong ([how](docs/releases.md#measured)).\n"
    )


def table(report: RolloutReport, day: date) -> str:
    """For docs/releases.md."""
    changes, back, drawn = report.weight_changes, report.rollback_seconds, report.simulation
    faults, jwt, machine = report.faults, report.jwt, report.machine
    looks = drawn.caught_5_percent_looks_median
    rows = (
        (f"{changes.count} changes of weights under load", f"{changes.lost} of {changes.sent:,} requests lost", "none"),
        (
            f"{back.count} rollbacks, from the verb to the candidate's last answer",
            f"{back.median:.2f} s (median), {back.max:.2f} s (longest), {back.lost} requests lost",
            "1 s, none lost",
        ),
        (
            f"{drawn.aa_rollouts:,} simulated rollouts of a candidate that does not differ",
            f"{drawn.aa_false_rollbacks} rolled back ({100 * drawn.aa_false_rollbacks / drawn.aa_rollouts:.1f} %)",
            f"below alpha, {100 * drawn.alpha:g} %",
        ),
        (
            "simulated: 5 % errors in place of 1 %",
            "fewer than half caught" if looks is None else f"caught at look {looks:g} (median)",
            "the first looks",
        ),
        ("simulated: a slow tail alone", f"{100 * drawn.tail_power:.1f} % rolled back", "caught"),
        ("faults of the list above", f"{faults.survived} of {faults.tried} survived", "all"),
        (
            "tokens, good and bad",
            f"{jwt.wrong} of {jwt.cases} got another answer than they should",
            "none",
        ),
    )
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return (
        f"By `make rollout-report` on {day:%Y-%m-%d}, {machine.cpu} with {machine.cores} cores, other work beside it:\n"
        "\n"
        f"| what | measured | goal |\n| --- | --- | --- |\n{lines}\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
