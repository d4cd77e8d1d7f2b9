"""A judgement with all that it was reached from: stored beside the commit that it led to, and judged again at will."""

from typing import Literal

from pydantic import Field, ValidationError

from model.errors import UserError
from serving.judge.evidence import Evidence
from serving.judge.judging import judge
from serving.judge.plan import Plan, Step
from serving.judge.verdict import Judgement
from serving.part import Part

SCHEMA: Literal["stillhouse.evidence/v1"] = "stillhouse.evidence/v1"


class Record(Part):
    """`stillhouse.evidence/v1`: counts, windows, queries, versions by digest, the plan, and the judgement."""

    schema_: Literal["stillhouse.evidence/v1"] = Field(default=SCHEMA, alias="schema")
    evidence: Evidence
    plan: Plan
    step: Step
    judgement: Judgement


def judged(evidence: Evidence, plan: Plan, step: Step) -> Record:
    """Judge, and keep what the verdict came from."""
    return Record(evidence=evidence, plan=plan, step=step, judgement=judge(evidence, plan, step))


def replay(record: Record) -> Judgement:
    """The same judgement, reached again."""
    return judge(record.evidence, record.plan, record.step)


def record_text(record: Record) -> str:
    """JSON; `parse_record` gives the same Record back."""
    return record.model_dump_json(by_alias=True, indent=1)


def parse_record(text: str, *, place: str) -> Record:
    """JSON -> Record.

    Raises:
        UserError: not of this form; names the field.
    """
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"]) or "file"
        raise UserError(f"`{place}`: {path}: {first['msg']}", hint="`stillhouse release` writes such files") from error
