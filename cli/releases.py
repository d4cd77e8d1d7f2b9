"""Which release file a verb is about, and how it answers: options that all verbs of `release` share, as one value."""

import inspect
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from cli.console import AsJson
from cli.options import DEFAULT_RUN, NAME_PATTERN, RunPath
from model.errors import UserError
from model.run_folder import RunFolder

Endpoint = Annotated[str, typer.Option("--endpoint", help="Name of the endpoint, also the model's name in the URL.")]
Environment = Annotated[str, typer.Option("--env", help="dev, staging or prod.")]
Repository = Annotated[
    Path | None, typer.Option("--repo", help="Git checkout of the releases; the run's own by default.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff and the commit's message; change nothing.")]

ENVIRONMENTS = ("dev", "staging", "prod")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A release file, the run that it belongs to, and how to answer."""

    path: Path
    folder: RunFolder
    as_json: bool
    repository: Path | None
    """Where the file lies; None: in the run's own repository."""
    environment: str
    dry_run: bool = False
    """Whether to show what would be done, and do nothing."""

    @property
    def own(self) -> bool:
        """Whether the file lies in the run's own repository."""
        return self.repository is None


def find_place(
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    as_json: AsJson = False,
) -> Place:
    """What the shared options mean."""
    folder = RunFolder(run)
    path = release_path(folder, environment, endpoint, repository)
    return Place(path=path, folder=folder, as_json=as_json, repository=repository, environment=environment)


def find_place_to_change(
    endpoint: Endpoint = "online-model",
    environment: Environment = "dev",
    repository: Repository = None,
    run: RunPath = DEFAULT_RUN,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> Place:
    """What the shared options of verbs that change the file mean."""
    place = find_place(endpoint, environment, repository, run, as_json)
    return replace(place, dry_run=dry_run)


def reads(verb: Callable[..., None]) -> Callable[..., None]:
    """Turn `verb(place, own options)` into a command that also takes the options of `find_place`."""
    return _at_a_place(verb, find_place)


def changes(verb: Callable[..., None]) -> Callable[..., None]:
    """As `reads`, and `--dry-run`."""
    return _at_a_place(verb, find_place_to_change)


def _at_a_place(verb: Callable[..., None], find_place: Callable[..., Place]) -> Callable[..., None]:
    own = [p for p in inspect.signature(verb).parameters.values() if p.name != "place"]
    shared = list(inspect.signature(find_place).parameters.values())

    def command(**values: Any) -> None:  # noqa: ANN401 -- typer gives what the signature below says
        where = {parameter.name: values.pop(parameter.name) for parameter in shared}
        verb(find_place(**where), **values)

    command.__name__, command.__doc__ = verb.__name__, verb.__doc__
    hints = get_type_hints(verb, include_extras=True) | get_type_hints(find_place, include_extras=True)
    command.__annotations__ = {parameter.name: hints[parameter.name] for parameter in (*own, *shared)}
    command.__signature__ = inspect.Signature([p.replace(kind=p.KEYWORD_ONLY) for p in (*own, *shared)])  # type: ignore[attr-defined]
    return command


def release_path(folder: RunFolder, environment: str, endpoint: str, repository: Path | None = None) -> Path:
    """`<repository>/stacks/releases/<env>/<endpoint>.yaml`; None stands for the run's own repository.

    Raises:
        UserError: no such environment, or no name of an endpoint.
    """
    if environment not in ENVIRONMENTS:
        raise UserError(f"no such environment (got `{environment}`)", hint=f"one of {', '.join(ENVIRONMENTS)}")
    if not re.fullmatch(NAME_PATTERN, endpoint):
        raise UserError(f"not an endpoint's name (got `{endpoint}`)", hint="small letters, digits and inner hyphens")
    return (repository or folder.releases) / "stacks" / "releases" / environment / f"{endpoint}.yaml"


def make_repository(root: Path) -> None:
    """Make the run's own git repository where there is none yet.

    Raises:
        UserError: git is not there.
    """
    if (root / ".git").exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    try:
        command = ["git", "init", "--quiet", "--initial-branch=main", str(root)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError(f"cannot make a git repository at `{root}`: {error}", hint="install git") from error
