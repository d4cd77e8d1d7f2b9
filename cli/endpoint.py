"""Where a run's twin answers, with a token and the contract: what `predict` and `load` need."""

from dataclasses import dataclass
from pathlib import Path

from model.artifact import read_artifact
from model.contract import PayloadContract, read_contract
from model.errors import UserError
from model.run_folder import RunFolder
from serving.twin.paths import TwinPaths
from serving.twin.run import twin_status
from serving.twin.tokens import open_issuer


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An endpoint that one may call."""

    url: str
    token: str
    ca_path: Path
    contract: PayloadContract


def find_endpoint(folder: RunFolder) -> Endpoint:
    """The endpoint of the run's twin.

    Raises:
        UserError: the twin is not up.
    """
    status = twin_status(folder.twin)
    serving = [each.version for each in status.versions if each.weight > 0]
    if not serving:
        raise UserError("the twin serves no version", hint="`stillhouse release promote VERSION` makes one stable")
    repository = folder.repository(serving[0])
    read_artifact(repository, kind="triton_repository")
    return Endpoint(
        url=status.url,
        token=open_issuer(TwinPaths(folder=folder.twin.absolute()).tokens).mint(),
        ca_path=Path(status.ca_path),
        contract=read_contract(repository),
    )
