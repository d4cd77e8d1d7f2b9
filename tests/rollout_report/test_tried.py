"""What pytest says of the faults and the tokens -> what the report says: whatever did not pass was not survived."""

from tests.rollout_report.tried import TOKENS, faults, read_outcomes, tokens
from tests.serving.faults.catalogue import CATALOGUE

TEXT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.serving.faults.test_plane" name="test_papers[key]" />
<testcase classname="tests.serving.faults.test_plane" name="test_papers[certificate]"><failure message="x"/></testcase>
<testcase classname="tests.serving.faults.test_file" name="test_edit" />
<testcase classname="tests.serving.faults.test_file" name="test_race"><skipped message="x"/></testcase>
</testsuite></testsuites>"""


def test_each_case_counts_for_its_test_and_a_skipped_one_did_not_pass() -> None:
    assert read_outcomes(TEXT) == {
        "tests/serving/faults/test_plane.py::test_papers": [True, False],
        "tests/serving/faults/test_file.py::test_edit": [True],
        "tests/serving/faults/test_file.py::test_race": [False],
    }


def test_a_fault_is_survived_when_all_of_its_tests_passed() -> None:
    good = {test: [True] for fault in CATALOGUE for test in fault.tests}
    assert (faults(good).tried, faults(good).survived) == (20, 20)
    shadow = next(fault for fault in CATALOGUE if len(fault.tests) > 1)
    one_failed = faults(good | {shadow.tests[1]: [True, False]})
    assert [one.number for one in one_failed.each if not one.survived] == [shadow.number]
    absent = {test: cases for test, cases in good.items() if test != shadow.tests[0]}
    assert faults(absent).survived == 19, "what did not run was not survived"


def test_tokens_are_counted_case_by_case() -> None:
    told = tokens({TOKENS: [True] * 70 + [False]})
    assert (told.cases, told.wrong) == (71, 1)
    assert tokens({}).cases == 0
