"""Records of a judge <-> evidence that verbs act on; a record that does not judge the same again is refused."""

from pathlib import Path

from model.errors import UserError
from serving.judge.record import Record, parse_record, record_text, replay
from serving.release_evidence import EvidenceFile, Weighed


def weigh(record: Record) -> Weighed:
    """What a judge just reached."""
    return _weighed(record, EvidenceFile(text=record_text(record)))


def read_weighed(path: Path) -> Weighed:
    """Evidence from a file, judged again.

    Raises:
        UserError: unreadable, malformed, or its verdict is not what its counts say.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read the evidence `{path}`: {error}", hint="name a file that the judge wrote"
        ) from error
    record = parse_record(text, place=str(path))
    if (again := replay(record)) != record.judgement:
        raise UserError(
            f"`{path}`: judgement: its counts say {again.verdict.value}: {again.reason} "
            f"(got {record.judgement.verdict.value})",
            hint="evidence is never edited: gather it anew",
        )
    return _weighed(record, EvidenceFile(text=text))


def weighed_then(file: EvidenceFile, *, place: str) -> Weighed:
    """Evidence that was stored, with the verdict that was reached then, by the judge of that time.

    Raises:
        UserError: malformed.
    """
    return _weighed(parse_record(file.text, place=place), file)


def _weighed(record: Record, file: EvidenceFile) -> Weighed:
    return Weighed(evidence=record.evidence, plan=record.plan, step=record.step, judgement=record.judgement, file=file)
