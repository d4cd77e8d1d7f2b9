"""The whole main job: `make demo`. Tables become a canaried endpoint, and what happened becomes a report."""

import json
from pathlib import Path

from demo.evidence import ScoreEvidence
from demo.line import export_versions, judge, label, learn
from demo.page import render_page
from demo.release import run_release
from demo.report import DemoReport, Interval, Parameters, Quality, QualityIntervals, this_machine
from demo.settings import DemoSettings
from demo.stage import Stage
from model.artifact import read_artifact
from model.errors import UserError
from model.run_folder import RunFolder
from serving.twin.state import is_supervised

MODEL_NAME = "online-model"


def run_demo(settings: DemoSettings, stage: Stage) -> DemoReport:
    """Run every step and write `report.json` and `report.html` below `settings.folder`."""
    folder = RunFolder(settings.folder)
    if is_supervised(folder.twin.absolute()):
        raise UserError(f"a twin is running below `{settings.folder}`", hint="`stillhouse twin down`, or another --run")
    labelled = label(folder, settings, stage)
    distilled = learn(folder, settings, labelled, stage)
    evaluation = judge(folder, settings, labelled, stage)
    repositories = export_versions(folder, settings, labelled, MODEL_NAME, stage)
    released = run_release(folder, settings, labelled, repositories, stage)
    quality = {name: Interval(value=q.value, low=q.low, high=q.high) for name, q in evaluation.quality.items()}
    auroc = Quality(**{name: interval.value for name, interval in quality.items()})
    lift = auroc.deep - auroc.lightgbm_entity
    table = labelled.table
    report = DemoReport(
        tables=dict(labelled.num_rows),
        query=settings.query.strip(),
        rows={split: len(table.rows(split)) for split in ("train", "validation", "test")},
        positive_share=float(table.label[table.rows("test")].mean()),
        auroc=auroc,
        auroc_intervals=QualityIntervals(**quality),
        retention=(auroc.distilled - auroc.lightgbm_entity) / lift if lift > 0 else None,
        fidelity=evaluation.fidelity,
        parameters=Parameters(
            deep=read_artifact(folder.deep, kind="deep").metrics["num_parameters"],
            distilled=distilled["distilled"].metrics["num_parameters"],
        ),
        requests=released.requests,
        latency_ms=released.latency_ms,
        split=released.split,
        rollout=released.rollout,
        refresh=released.refresh,
        seconds={name: round(seconds, 2) for name, seconds in stage.seconds.items()},
        versions={version: artifact.digest for version, artifact in repositories.items()},
        machine=this_machine(),
    )
    scores = ScoreEvidence(label=evaluation.label, scores=dict(evaluation.scores))
    _write(settings.folder / "report.json", json.dumps(report.model_dump(mode="json"), indent=2) + "\n")
    _write(settings.folder / "report.html", render_page(report, scores, released.evidence, released.history))
    return report


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    draft.replace(path)
