"""The payload contract: which tensors a served model takes and gives, by name, type and meaning.

`contract.json` lies in the exported Triton repository; the client builds requests from it and the server decodes
by it. Nothing here knows about tables in memory or about torch.

Null, as measured on Triton's JSON parser: `null` is refused (500), the literal `NaN` is taken for FP32 but is no
strict JSON. So null is a stand-in of the type: MISSING_INT64, MISSING_FP32 (or NaN), the empty string. A fact other
than the embedding key may also be left out, which means null; Triton then batches the request only with others that
leave out as much, so a fast client sends all tensors.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from model.errors import UserError
from model.graph import SemanticType
from model.served.missing import MISSING_FP32 as MISSING_FP32
from model.served.missing import MISSING_INT64 as MISSING_INT64

ANCHOR_TIME = "anchor_time"
"""INT64 [batch, 1], nanoseconds since the Unix epoch: the moment of the prediction."""
SCORE = "score"
"""FP32 [batch, K]: a probability (binary) or a value (regression), K = 1; a probability of each of the contract's
`classes` (multiclass, multilabel); a value for each timeframe (forecast)."""
EMBEDDING_TIME = "embedding_time"
"""INT64 [batch, 1], nanoseconds: cut-off of the embedding that was used; MISSING_INT64 where the entity has none."""
CONTRACT_FILE = "contract.json"


class Datatype(StrEnum):
    """The V2 protocol's names of the types we use."""

    INT64 = "INT64"
    FP32 = "FP32"
    BYTES = "BYTES"


class Role(StrEnum):
    """What a tensor is for."""

    ANCHOR_TIME = "anchor_time"
    FACT = "fact"
    INTERACTION = "interaction"


class TensorSpec(BaseModel):
    """One input tensor: `[batch, 1]` for the anchor and facts, `[batch, n, 1]` for interactions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """`anchor_time`, `{table}.{column}` or `{path}:{column}`."""
    datatype: Datatype
    role: Role
    semantic_type: SemanticType
    path: str = ""
    """Of an interaction: the links from the entity, e.g. `customers.customer_id->transactions.customer_id`."""
    table: str = ""
    column: str = ""


class Interactions(BaseModel):
    """One ragged history of the entity: rows of a child table, at most `max_rows`, newest kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    table: str
    time_tensor: str
    """Name of the tensor that holds the rows' times; a row whose time is missing or after the anchor is ignored."""
    max_rows: int
    ignored_ns: int = 0
    """Rows of this last while before the anchor are ignored, as they were in training (they may not have arrived)."""


class PayloadContract(BaseModel):
    """What a client must send and will get."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_name: str
    """Name in the URL: `/v2/models/{model_name}/infer`; stays the same from version to version."""
    task: Literal["binary", "regression", "multiclass", "multilabel", "forecast"]
    classes: tuple[str | int | float | bool, ...] = ()
    """Of multiclass and multilabel, in the order of the scores."""
    num_timeframes: int = 0
    """Of a forecast."""
    entity_table: str
    embedding_key: str
    """Name of the fact tensor whose value picks the embedding."""
    embedding_dim: int
    base_digest: str
    """Digest of the deep model; embeddings of another one are refused."""
    inputs: tuple[TensorSpec, ...]
    interactions: tuple[Interactions, ...]

    def tensor(self, name: str) -> TensorSpec:
        """The input called `name`; KeyError where there is none."""
        for spec in self.inputs:
            if spec.name == name:
                return spec
        raise KeyError(name)

    @property
    def num_scores(self) -> int:
        """K, the numbers of one answer."""
        return len(self.classes) or self.num_timeframes or 1

    def facts(self) -> tuple[TensorSpec, ...]:
        """The `{table}.{column}` inputs."""
        return tuple(spec for spec in self.inputs if spec.role is Role.FACT)

    def interaction_columns(self, path: str) -> tuple[TensorSpec, ...]:
        """The `{path}:{column}` inputs of one history, its time among them."""
        return tuple(spec for spec in self.inputs if spec.role is Role.INTERACTION and spec.path == path)


def read_contract(repository: Path) -> PayloadContract:
    """The contract of an exported repository.

    Raises:
        UserError: missing or malformed.
    """
    path = repository / CONTRACT_FILE
    try:
        return PayloadContract.model_validate_json(path.read_text())
    except OSError as error:
        raise UserError(f"no payload contract at `{path}`", hint="export the model with `stillhouse export`") from error
    except ValidationError as error:
        raise UserError(f"`{path}` is not a payload contract: {error.errors()[0]['msg']}") from error
