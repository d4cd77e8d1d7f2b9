"""`stillhouse release run`: conducts a rollout by its file, with a view of the steps and of what the evidence says."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.console import show, stderr, stdout
from cli.release_done import refuse_nowhere
from cli.releases import Place, reads
from model.errors import UserError
from serving.conductor.action import Action, End, Follow, Look, Outcome, Wait, Write
from serving.release import Release
from serving.release_evidence import Weighed

if TYPE_CHECKING:
    from serving.conductor.conducting import Conductor, Pass, Until
    from serving.conductor.plane import Plane

EXIT_STATUS = {
    Outcome.PROMOTED: 0,
    Outcome.STEPPED: 0,
    Outcome.ROLLED_BACK: 3,
    Outcome.HELD: 4,
    Outcome.IDLE: 5,
}
STOPPED = 130
"""Interrupted, or told to end: start it again, and it goes on from where it was."""


def register(app: typer.Typer) -> None:
    """Add the verb to the app."""
    app.command()(reads(run))


def run(
    place: Place,
    until: Annotated[
        str,
        typer.Option(
            help="decided: promoted, rolled back, held; step: one change is in force; told: trial after trial."
        ),
    ] = "decided",
    stay: Annotated[
        bool, typer.Option("--stay", help="Go on watching while somebody holds the release: harm still rolls back.")
    ] = False,
    prometheus: Annotated[
        str | None,
        typer.Option("--prometheus", help="Of a cluster that follows `origin`: conduct there, in place of the twin."),
    ] = None,
    namespace: Annotated[str, typer.Option(help="Of the models on the cluster.")] = "models",
    gateway_namespace: Annotated[str, typer.Option(help="Of the cluster's gateways.")] = "istio-ingress",
    branch: Annotated[str, typer.Option(help="Of `origin`, that the cluster follows.")] = "main",
    clone: Annotated[
        str | None, typer.Option("--clone", help="Address of `origin`: clone it to --repo where it is not there yet.")
    ] = None,
    scrape_s: Annotated[
        float, typer.Option(help="Seconds between two scrapes of the cluster's gateways, and between two fetches.")
    ] = 15.0,
    beat: Annotated[
        Path | None,
        typer.Option("--beat", help="A file that is touched after each pass: whoever watches sees it live."),
    ] = None,
) -> None:
    """Conduct the rollout of the candidate: gather evidence, judge, commit, have the twin follow, and again.

    It ends with status 0 when promoted, 3 when rolled back, 4 when held, 5 when nothing is on trial. Kill it at any
    moment and start it again: all that it knows is in the file, its commits and the stored evidence.

    With `--prometheus` it conducts on a cluster: it needs a clone of its own and the right to push, and none on the
    cluster. Each commit is pushed; who applies the branch moves the traffic, and it waits until the gateways show it.

    Example: `stillhouse release run --endpoint online-model --run runs/shop`
    """
    # The judge's statistics cost a second that no other verb should wait for.
    from serving.conductor.conducting import Conductor

    chosen = _until(until)
    _made_clone(clone, repo=place.repository, branch=branch)
    refuse_nowhere(place)
    if prometheus is None:
        conductor = Conductor(path=place.path, plane=_twin(place), stay=stay)
    else:
        plane = _cluster(place, prometheus, (namespace, gateway_namespace), branch, scrape_s)
        # Between two scrapes there is nothing new to see, and whoever keeps the branch need not be asked more often.
        conductor = Conductor(path=place.path, plane=plane, stay=stay, poll_s=scrape_s, idle_s=scrape_s)
    changes: list[Pass] = []
    with _view(quiet=place.as_json) as tell, _told_to_stop(conductor):

        def on_pass(done: "Pass") -> None:
            if done.commit is not None:
                changes.append(done)
            if beat is not None:
                beat.touch()
            tell(done)

        last = conductor.run(chosen, on_pass=on_pass)
    show(_document(last, changes), place.as_json, lambda: stdout.print(_ending(last), soft_wrap=True, markup=False))
    sys.exit(EXIT_STATUS[last.action.outcome] if isinstance(last.action, End) else STOPPED)


def _twin(place: Place) -> "Plane":
    from serving.conductor.twin_plane import TwinPlane
    from serving.twin.run import twin_status

    twin_status(place.folder.twin)
    return TwinPlane(folder=place.folder.twin)


def _made_clone(url: str | None, *, repo: Path | None, branch: str) -> None:
    from serving.conductor.remote import cloned

    if url is None:
        return
    if repo is None:
        raise UserError("--clone: where to? (got no --repo)", hint="`--repo FOLDER`, which it keeps")
    cloned(url, repo, branch=branch)


def _cluster(place: Place, prometheus: str, namespaces: tuple[str, str], branch: str, scrape_s: float) -> "Plane":
    from serving.conductor.cluster_plane import ClusterPlane
    from serving.conductor.remote import Remote
    from serving.prometheus import Prometheus
    from stacks.live_versions import service_names

    return ClusterPlane(
        release_path=place.path,
        remote=Remote(release_path=place.path, branch=branch),
        prometheus=Prometheus(url=prometheus.rstrip("/")),
        services=service_names,
        namespace=namespaces[0],
        gateway_namespace=namespaces[1],
        scrape_interval_s=scrape_s,
    )


@contextmanager
def _told_to_stop(conductor: "Conductor") -> Iterator[None]:
    """An interrupt lets the present pass end."""
    before = {
        number: signal.signal(number, lambda *_: conductor.stopping.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _until(text: str) -> "Until":
    if text == "step":
        return "step"
    if text == "decided":
        return "decided"
    if text == "told":
        return "told"
    raise UserError(f"--until: no such end (got `{text}`)", hint="decided, step, or told")


def _ending(last: "Pass") -> str:
    if isinstance(last.action, End):
        return f"{last.action.outcome.value.replace('_', ' ')}: {last.action.reason}"
    return f"stopped: {last.action.reason}; `release run` goes on from here"


def _document(last: "Pass", changes: "list[Pass]") -> dict[str, Any]:
    return {
        "outcome": last.action.outcome.value if isinstance(last.action, End) else None,
        "reason": last.action.reason,
        "weights": dict(last.served.weights),
        "changes": [
            {
                "commit": done.commit,
                "verb": done.action.change.verb,
                "verdict": done.action.change.verdict or None,
                "reason": done.action.reason,
            }
            for done in changes
            if isinstance(done.action, Write)
        ],
    }


@contextmanager
def _view(*, quiet: bool) -> "Iterator[Callable[[Pass], None]]":
    """Shows each pass: as a table that stays in place on a terminal, as a line for each new thing elsewhere."""
    if quiet:
        yield lambda done: None
    elif stderr.is_terminal:
        with Live(console=stderr, auto_refresh=False, transient=True) as live:
            yield lambda done: live.update(picture(done), refresh=True)
    else:
        said: list[str] = []

        def tell(done: "Pass") -> None:
            if (line := f"{_verb(done.action)}  {done.action.reason}") not in said[-1:]:
                said.append(line)
                stderr.print(f"{done.when:%H:%M:%S}  {line}", soft_wrap=True, markup=False)

        yield tell


def picture(done: "Pass") -> RenderableType:
    """A pass as a table of steps, the shares, and the verdict in words."""
    lines: list[RenderableType] = []
    if done.release is not None:
        lines.append(_steps(done.release))
    lines.append(Text(f"serving  {_shares(done.served.weights)}" + _observed(done.weighed)))
    if done.weighed is not None:
        judgement = done.weighed.judgement
        lines.append(Text(f"{judgement.verdict.upper()}  {judgement.reason}", style=_STYLES[judgement.verdict]))
    lines.append(Text(f"{_verb(done.action)}  {done.action.reason}", style="dim"))
    return Group(*lines)


def _steps(release: Release) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
    for column in ("step", "weight", "samples of each", "minutes"):
        table.add_column(column, justify="right")
    now = release.step()
    for number, step in enumerate(release.plan.steps if release.plan else (), start=1):
        here = step == now
        cells = (
            f"{'> ' if here else ''}{number}",
            f"{step.weight:g} %",
            f"{step.min_samples:,}",
            f"{step.min_minutes:g} to {step.max_minutes:g}",
        )
        table.add_row(*cells, style="bold" if here else "dim")
    return table


def _observed(weighed: Weighed | None) -> str:
    if weighed is None or weighed.judgement.split is None:
        return ""
    judgement, split = weighed.judgement, weighed.judgement.split
    return (
        f"   candidate: asked {100 * split.asked:.1f} %, observed {100 * split.observed:.1f} %; "
        f"{judgement.candidate_requests:,} and {judgement.stable_requests:,} requests in {judgement.minutes:.1f} min"
    )


def _shares(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in weights.items()) or "nothing"


def _verb(action: Action) -> str:
    match action:
        case Write(change=change):
            return change.verb
        case Follow():
            return "follow"
        case Look():
            return "look"
        case Wait():
            return "wait"
        case End(outcome=outcome):
            return outcome.value


_STYLES = {"advance": "green", "hold": "yellow", "rollback": "bold red", "no_data": "magenta", "error": "red"}
