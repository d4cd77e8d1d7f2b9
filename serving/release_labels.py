"""A table of requests with labels that came later -> what it says of a provisional promotion, and the record of it."""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from model.errors import UserError
from serving.judge.labels import Cohort, LabelFinding
from serving.judge.labels import verify as decide
from serving.release import Release
from serving.release_evidence import EvidenceFile, LabelVerdict
from serving.release_parts import Previous, Stable, Verification
from serving.release_verbs_evidence import provisional

COLUMNS = ("version", "requested", "score", "label")
"""Who answered, when (UTC unless it names an offset), the probability, and 0, 1 or nothing."""


def judge_labels(release: Release, path: Path, *, now: datetime) -> LabelVerdict:
    """Compare the stable version with what it relieved, on requests since then whose label is certain by now.

    Args:
        release: the file.
        path: .parquet or .csv, one row a request of either version, with `version`, `requested`, `score`, `label`.
        now: from which a request's age is counted.

    Raises:
        UserError: nothing waits for labels, the file does not say how they decide, or the table is malformed.
    """
    stable, previous = provisional(release)
    check = release.verification
    if check is None:
        raise UserError(
            f"{release.endpoint}: verification: the file does not say how labels decide (got null)",
            hint="`verification: {label_days: 30}`, or `verify --by NAME --reason WORDS`",
        )
    if previous.since is None:
        raise UserError(
            f"{release.endpoint}: previous.since: when {previous.version} was relieved is not written down (got null)",
            hint="write it into the file, or `verify --by NAME --reason WORDS`",
        )
    rows = _read(path)
    mature = rows[(rows.requested >= previous.since) & (rows.requested < now - timedelta(days=check.label_days))]
    before, after = _cohort(mature, previous.version), _cohort(mature, stable.version)
    finding = decide(before, after, check, look=previous.looks + 1)
    return LabelVerdict(
        confirmation=finding.confirmation.value,
        reason=finding.reason,
        looked=finding.worse_by is not None,
        file=EvidenceFile(text=_record(stable, previous, check, finding, path, now)),
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the labels `{path}`: {error}", hint="a .parquet or .csv file") from error
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise UserError(
            f"`{path}`: no column {missing[0]} (got {', '.join(map(str, table.columns))})",
            hint=f"one row a request: {', '.join(COLUMNS)}",
        )
    rows = pd.DataFrame({"version": table["version"].astype(str)})
    try:
        rows["requested"] = pd.to_datetime(table["requested"], utc=True, format="ISO8601")
        rows["score"] = pd.to_numeric(table["score"]).astype(np.float64)
        rows["label"] = pd.to_numeric(table["label"]).astype(np.float64)
    except (ValueError, TypeError) as error:
        raise UserError(f"`{path}`: {error}", hint="times as 2026-11-20T12:00:00Z, numbers for the others") from error
    if nowhen := int(rows["requested"].isna().sum()):
        raise UserError(f"`{path}`: requested: {nowhen:,} requests without a time", hint="every request has one")
    return rows


def _cohort(rows: pd.DataFrame, version: str) -> Cohort:
    own = rows[rows["version"] == version]
    labelled = own[own["label"].notna()]
    return Cohort(
        requests=len(own),
        scores=labelled["score"].to_numpy(dtype=np.float64),
        labels=labelled["label"].to_numpy(dtype=np.float64),
    )


def _record(
    stable: Stable, previous: Previous, check: Verification, finding: LabelFinding, path: Path, now: datetime
) -> str:
    """`stillhouse.labels/v1`; the table itself is named by its digest."""
    document = {
        "schema": "stillhouse.labels/v1",
        "stable": stable.model_dump(mode="json"),
        "previous": previous.model_dump(mode="json"),
        "check": check.model_dump(mode="json"),
        "look": previous.looks + 1,
        "labels": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
        "judged": now.isoformat(),
        "finding": finding.model_dump(mode="json"),
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
