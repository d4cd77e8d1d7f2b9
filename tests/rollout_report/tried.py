"""Runs the tests of the catalogue and of the tokens, and reads from pytest's own report how each ended."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from model.errors import UserError
from tests.rollout_report.report import FaultOutcome, Faults, Jwt
from tests.serving.faults.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
TOKENS = "tests/serving/twin/test_tokens_at_the_gateway.py::test_a_token_gets_exactly_its_status"


def run_tests(tests: list[str], log: Path) -> dict[str, list[bool]]:
    """Test -> whether each of its cases passed; one that did not run at all is not in it.

    Raises:
        UserError: pytest itself failed.
    """
    report = log.with_suffix(".xml")
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *tests]
    with log.open("w") as stream:
        done = subprocess.run(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if done.returncode not in (0, 1) or not report.exists():
        raise UserError(f"pytest ended with status {done.returncode}", hint=f"its log is `{log}`")
    return read_outcomes(report.read_text())


def read_outcomes(text: str) -> dict[str, list[bool]]:
    """Of pytest's JUnit report; a skipped case did not pass."""
    outcomes: dict[str, list[bool]] = {}
    for case in ElementTree.fromstring(text).iter("testcase"):
        file = case.attrib["classname"].replace(".", "/") + ".py"
        name = case.attrib["name"].partition("[")[0]
        outcomes.setdefault(f"{file}::{name}", []).append(len(case) == 0)
    return outcomes


def faults(outcomes: Mapping[str, list[bool]]) -> Faults:
    """Which faults were survived: all cases of all of their tests passed."""
    each = tuple(
        FaultOutcome(
            number=fault.number,
            words=fault.words,
            expected=fault.expected,
            survived=all(all(outcomes.get(test, [False])) for test in fault.tests),
        )
        for fault in CATALOGUE
    )
    return Faults(tried=len(each), survived=sum(one.survived for one in each), each=each)


def tokens(outcomes: Mapping[str, list[bool]]) -> Jwt:
    """How many tokens were tried, and how many got another status than they should."""
    cases = outcomes.get(TOKENS, [])
    return Jwt(cases=len(cases), wrong=cases.count(False))
