"""What may go wrong in a rollout, and the tests that make it happen on a real twin; the rollout report counts them."""

from dataclasses import dataclass

_FAULTS = "tests/serving/faults/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One of twenty."""

    number: int
    words: str
    expected: str
    """What happens instead of harm."""
    tests: tuple[str, ...]
    """All of them must pass for the fault to count as survived."""


def _fault(number: int, words: str, expected: str, *tests: str) -> Fault:
    named = tuple(test if test.startswith("tests/") else f"{_FAULTS}{test}" for test in tests)
    return Fault(number=number, words=words, expected=expected, tests=named)


CATALOGUE = (
    _fault(
        1,
        "the conductor is killed between the commit of a step and its taking effect",
        "the next one follows first, and takes no step twice",
        "test_killed.py::test_killed_between_the_commit_of_a_step_and_its_taking_effect",
    ),
    _fault(
        2,
        "the same during a rollback",
        "the next one takes the bad version off at once",
        "test_killed.py::test_killed_between_the_commit_of_a_rollback_and_its_taking_effect",
    ),
    _fault(
        3,
        "Prometheus is down for longer than a step",
        "NO_DATA, then a hold; never a step on",
        "test_metrics.py::test_prometheus_is_down_for_longer_than_a_step",
    ),
    _fault(
        4,
        "metrics are old, or the clocks differ",
        "named as such, then a hold",
        "test_metrics.py::test_the_gateway_is_scraped_no_more",
        "test_metrics.py::test_the_conductors_clock_is_another_one_than_prometheuss",
    ),
    _fault(
        5,
        "nobody asks the candidate",
        "NO_DATA, then a hold",
        "test_metrics.py::test_nobody_asks_the_candidate",
    ),
    _fault(
        6,
        "counters begin anew within a window",
        "the window is named and left out",
        "test_metrics.py::test_counters_begin_anew_within_a_window",
        "test_metrics.py::test_a_models_counters_begin_anew_within_a_window",
    ),
    _fault(
        7,
        "the candidate is killed at half of the traffic",
        "rolled back; the stable version's callers notice nothing",
        "test_versions.py::test_a_candidate_is_killed_at_half_of_the_traffic_and_stays_down",
    ),
    _fault(
        8,
        "the candidate is slow in its tail alone",
        "rolled back by its p99",
        "test_versions.py::test_a_candidate_is_slow_in_its_tail_alone",
    ),
    _fault(
        9,
        "the candidate answers something else in good time",
        "held for a person by the drift of its scores, and by pairs of answers to the same requests; a shadow's too",
        "test_versions.py::test_a_candidate_answers_something_else_in_good_time",
        "test_versions.py::test_a_candidate_disagrees_with_the_stable_version_about_the_same_requests",
        "tests/serving/twin/test_shadow.py::test_a_shadow_that_scores_otherwise_disagrees_and_every_pair_names_its_request",
    ),
    _fault(
        10,
        "a person edits the weight within a step",
        "the edit counts, and its step begins anew",
        "test_file.py::test_a_person_edits_the_weight_within_a_step",
    ),
    _fault(
        11,
        "another version appears within a trial",
        "it waits its turn",
        "test_file.py::test_another_version_appears_within_a_trial",
    ),
    _fault(
        12,
        "two writers race",
        "one of them is refused, and nothing is overwritten",
        "test_file.py::test_two_conductors_never_work_on_one_file",
        "tests/serving/test_release_repository.py::test_a_writer_that_was_overtaken_is_refused",
    ),
    _fault(
        13,
        "the file is half written, or committed malformed",
        "the last good one serves on, and says so",
        "test_file.py::test_a_half_written_file_moves_nothing_until_it_is_whole",
        "test_file.py::test_a_committed_file_that_is_no_yaml_moves_nothing_until_it_is_mended",
    ),
    _fault(
        14,
        "a rollback to a version that is no longer stored",
        "refused before any traffic moves",
        "test_plane.py::test_a_rollback_to_a_version_that_is_no_longer_stored_moves_no_traffic",
    ),
    _fault(
        15,
        "what was rolled back is promoted again",
        "refused under any name, by verbs and by the file itself",
        "test_file.py::test_what_was_rolled_back_is_promoted_by_nobody",
    ),
    _fault(
        16,
        "a weight goes from nothing to much and back",
        "nobody loses a request",
        "test_plane.py::test_from_nothing_to_some_of_the_traffic_and_back",
        "tests/serving/twin/test_rotation.py::test_no_request_is_lost_when_a_weight_goes_from_nothing_to_much_and_back",
    ),
    _fault(
        17,
        "Envoy refuses the new routes",
        "the old ones stay; ERROR, then a hold",
        "test_plane.py::test_envoy_refuses_the_new_routes_and_keeps_the_old_ones",
    ),
    _fault(
        18,
        "the certificate and the keys change within a step",
        "nobody loses a request",
        "test_plane.py::test_papers_change_within_a_step",
    ),
    _fault(
        19,
        "the stable version is down while the candidate could go on",
        "no step on until it is back",
        "test_versions.py::test_the_stable_version_is_down_while_the_candidate_could_go_on",
    ),
    _fault(
        20,
        "hundreds of rollouts of a candidate that does not differ",
        "rolled back less often than alpha",
        "tests/serving/simulation/test_rollouts.py::test_healthy_candidates_are_rolled_back_less_often_than_alpha",
    ),
)
