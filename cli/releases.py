"""Where release files lie: in the run's own git repository, or in the one that --repo names."""

import subprocess
from pathlib import Path
from typing import Annotated

import typer

from model.errors import UserError
from model.run_folder import RunFolder

Endpoint = Annotated[str, typer.Option("--endpoint", help="Name of the endpoint, also the model's name in the URL.")]
Environment = Annotated[str, typer.Option("--env", help="dev, staging or prod.")]


def release_path(folder: RunFolder, environment: str, endpoint: str, repository: Path | None = None) -> Path:
    """`<repository>/stacks/releases/<env>/<endpoint>.yaml`; None stands for the run's own repository, made if missing.

    Raises:
        UserError: git is not there.
    """
    root = repository or folder.releases
    if repository is None and not (root / ".git").exists():
        root.mkdir(parents=True, exist_ok=True)
        command = ["git", "init", "--quiet", "--initial-branch=main", str(root)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UserError(f"cannot make a git repository at `{root}`: {error}", hint="install git") from error
    return root / "stacks" / "releases" / environment / f"{endpoint}.yaml"
