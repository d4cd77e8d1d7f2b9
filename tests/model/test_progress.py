"""Progress of stages adds up to that of the whole."""

from model.progress import WHOLE, part


def test_progress_of_a_stage_stays_in_its_part() -> None:
    seen: list[tuple[int, int]] = []
    report = part(lambda done, total: seen.append((done, total)), 200, 600)
    for done in (0, 1, 2):
        report(done, 2)
    report(0, 0)
    assert seen == [(200, WHOLE), (400, WHOLE), (600, WHOLE), (200, WHOLE)]
