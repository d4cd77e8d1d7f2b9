"""`stillhouse twin up | down | status | refresh | token`: the serving path on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import AsJson, bar, show, stdout, table
from cli.options import DEFAULT_RUN, RunPath
from cli.releases import Endpoint, Environment, release_path
from model.run_folder import RunFolder
from serving.twin.status import ProcessStatus, TwinStatus

app = typer.Typer(help="Run real Triton processes behind a real Envoy, as the release file says.", no_args_is_help=True)


@app.command()
def up(
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    port: Annotated[int, typer.Option(help="Of the endpoint; 0 takes a free one.")] = 0,
    fallback_score: Annotated[
        float | None, typer.Option(help="Answered, and marked, where no version can; nothing by default.")
    ] = None,
    foreground: Annotated[bool, typer.Option(help="Stay, and stop with the terminal.")] = False,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Start the twin; returns when the model itself is ready.

    Example: `stillhouse twin up --run runs/shop`
    """
    from serving.twin.run import twin_up
    from serving.twin.settings import TwinSettings

    folder = RunFolder(run)
    path = release_path(folder, environment, endpoint)
    settings = TwinSettings(
        folder=folder.twin, release_path=path, root=run.absolute(), port=port, fallback_score=fallback_score
    )
    if foreground:
        twin_up(settings, foreground=True, on_ready=lambda status: _show(status, as_json))
        return
    with bar("starting Triton, Envoy and Prometheus"):
        started = twin_up(settings)
    assert started is not None, "a twin in the background tells its status"
    _show(started, as_json)


@app.command()
def down(run: RunPath = DEFAULT_RUN, as_json: AsJson = False) -> None:
    """Stop the twin and all of its processes.

    Example: `stillhouse twin down --run runs/shop`
    """
    from serving.twin.run import twin_down

    twin_down(RunFolder(run).twin)
    show({"stopped": True}, as_json, lambda: stdout.print("stopped"))


@app.command()
def status(run: RunPath = DEFAULT_RUN, as_json: AsJson = False) -> None:
    """Versions, weights, health, request rate, latency, and what happened last.

    Example: `stillhouse twin status --run runs/shop`
    """
    from serving.twin.run import twin_status

    _show(twin_status(RunFolder(run).twin), as_json)


@app.command()
def refresh(
    embeddings: Annotated[Path, typer.Argument(help="Folder that `stillhouse embed` wrote.")],
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Give the running server another batch of embeddings: no restart, no lost request.

    Example: `stillhouse twin refresh runs/shop/embeddings_monday --run runs/shop`
    """
    from serving.twin.run import twin_refresh

    with bar("refreshing embeddings"):
        versions = twin_refresh(RunFolder(run).twin, embeddings)
    show({"versions": list(versions)}, as_json, lambda: stdout.print(f"now used by {', '.join(versions)}"))


@app.command()
def rotate(
    what: Annotated[str, typer.Argument(help="certificate, key or revoke.")],
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Change the server certificate, or the key that signs tokens, while requests come.

    After `key`, tokens of the key before stay good until they expire or the next rotation; after `revoke` none do.

    Example: `stillhouse twin rotate certificate --run runs/shop`
    """
    from serving.twin.run import twin_rotate

    done = twin_rotate(RunFolder(run).twin, what)
    show({"done": done}, as_json, lambda: stdout.print(done))


@app.command()
def token(
    role: Annotated[str, typer.Option(help="Role in the token: predict, or tester to choose the version.")] = "predict",
    hours: Annotated[float, typer.Option(help="How long it is good for.")] = 1.0,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> None:
    """Print a bearer token of the twin's own issuer, for curl and for trying out.

    Example: `curl --cacert runs/shop/twin/certificates/ca.pem -H "authorization: Bearer $(stillhouse twin token)" ...`
    """
    from serving.twin.paths import TwinPaths
    from serving.twin.tokens import open_issuer

    issuer = open_issuer(TwinPaths(folder=RunFolder(run).twin.absolute()).tokens)
    minted = issuer.mint(roles=[role], expires_in_s=3600 * hours)
    show({"token": minted}, as_json, lambda: stdout.print(minted, soft_wrap=True))


def _show(found: TwinStatus, as_json: bool) -> None:
    def words() -> None:
        stdout.print(f"[bold]{found.url}[/]/v2/models/{found.model_name}/infer   {found.phase}, {found.release}")
        columns = ("version", "weight", "health", "requests", "errors", "rate", "share", "p50", "p99", "restarts")
        table("versions", columns, [
            (
                each.version, f"{each.weight} %", each.process.health, each.requests, each.errors,
                _figure(each.request_rate, "/s"), _figure(None if each.share is None else 100 * each.share, " %"),
                _figure(each.p50_ms, " ms"), _figure(each.p99_ms, " ms"), each.process.restarts,
            )
            for each in found.versions
        ])  # fmt: skip
        beside = f"envoy {_process(found.envoy)}, prometheus {_process(found.prometheus)}"
        stdout.print(f"{beside} at {found.prometheus_url}")
        if found.last_error:
            stdout.print(f"[red]not taken over:[/] {found.last_error}")
        if found.gateway_error:
            stdout.print(f"[red]refused:[/] {found.gateway_error}")
        if (pairs := found.comparison) is not None:
            stdout.print(
                f"{pairs.shadow} beside {pairs.stable}: {pairs.agreed} answers agree, {pairs.disagreed} do not, "
                f"{pairs.shadow_failed} failed; {pairs.path}"
            )
        for event in found.events[-5:]:
            stdout.print(f"  {event.when:%H:%M:%S} {event.text}")

    show(found, as_json, words)


def _process(found: ProcessStatus) -> str:
    """`ready`, or with how often it was started again."""
    return found.health if not found.restarts else f"{found.health} ({found.restarts} restarts)"


def _figure(value: float | None, unit: str) -> str:
    """A number with one decimal and its unit; no data is not zero."""
    return "-" if value is None else f"{value:.1f}{unit}"
