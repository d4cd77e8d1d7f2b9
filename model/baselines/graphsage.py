"""GraphSAGE on PyG's own layers, after RelBench's reference: what most published figures are compared with.

Each table's rows pass an encoder and residual blocks, the age of a row is added as PyG's positional encoding, and two
layers of SAGEConv a link, summed, carry messages towards the seed. The neighbourhood is our sampler's, since PyG's
temporal one needs a library that is not on PyPI: the newest rows, not random ones.
Legend: B seeds, M places of a step, T nodes of a table, W channels.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.deep.encoder import TableEncoder
from model.deep.sampler import Sampler, SamplerSettings, Step, StepTokens
from model.errors import UserError
from model.graph import Graph
from model.served.features import TableFeatures
from model.store.row_features import RowEncoder
from model.store.store import GraphStore

try:
    with warnings.catch_warnings():
        # torch warns of its own scripts, which PyG makes while it is imported.
        warnings.simplefilter("ignore", FutureWarning)
        from torch_geometric.nn import HeteroConv, PositionalEncoding, SAGEConv
except ImportError as error:
    raise UserError(
        "`graphsage` needs torch-geometric", hint="`make setup` installs it; elsewhere, the group `comparisons`"
    ) from error

EdgeType = tuple[str, str, str]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class SageSettings:
    """The network and its training; RelBench's values where they are not ours to choose."""

    channels: int = 128
    num_blocks: int = 4
    """Residual blocks behind each table's encoder."""
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    learning_rate: float = 5e-3
    batch_rows: int = 512
    num_evaluations: int = 6
    """How often the validation rows are scored; the best weights are kept."""
    max_validation_rows: int = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class SageBatch:
    """The sampled graph of some seeds, which are the first nodes of the entity table."""

    dense: Mapping[str, Tensor]
    """By table: [T, F]"""
    codes: Mapping[str, Tensor]
    """By table: [T, C]"""
    age_days: Mapping[str, Tensor]
    """By table: [T] from the row's time to the seed's; 0 for rows that have always existed."""
    edges: Mapping[EdgeType, Tensor]
    """[2, E] from the node farther away to the one nearer to the seed."""
    num_seeds: int


class SageBatches:
    """Turns seeds into batches; holds no state between calls, so a thread may run it ahead of the network."""

    def __init__(
        self, store: GraphStore, entity_table: str, features: Mapping[str, TableFeatures], sampler: SamplerSettings
    ) -> None:
        self.sampler = Sampler(store, entity_table, sampler)
        self._encoders = {step.table: RowEncoder(store, features[step.table]) for step in self.sampler.steps}

    def build(self, rows_B: Int64, times_B: Int64) -> SageBatch:
        """The graph around seeds `rows_B` as of `times_B` (nanoseconds)."""
        steps, found = self.sampler.steps, self.sampler.sample(rows_B, times_B)
        sizes = dict.fromkeys(self._encoders, 0)
        nodes: list[Int64] = []
        for step, tokens in zip(steps, found, strict=True):
            nodes.append(_numbered(tokens, sizes[step.table]))
            sizes[step.table] += int((tokens.rows_BM >= 0).sum())
        kinds = {edge_type(steps, position) for position in range(1, len(steps))}
        edges = {kind: torch.from_numpy(_edges(nodes, steps, found, kind)) for kind in kinds}
        dense, codes, age_days = {}, {}, {}
        for table, encoder in self._encoders.items():
            here = [tokens for step, tokens in zip(steps, found, strict=True) if step.table == table]
            masks = [tokens.rows_BM >= 0 for tokens in here]
            rows_T = np.concatenate([t.rows_BM[mask] for t, mask in zip(here, masks, strict=True)]).astype(np.int64)
            times_T = np.concatenate([times_B[np.nonzero(mask)[0]] for mask in masks])
            age_T = np.concatenate([t.age_days_BM[mask] for t, mask in zip(here, masks, strict=True)])
            encoded = encoder.encode(rows_T, times_T)
            dense[table] = torch.from_numpy(encoded.dense_RF)
            codes[table] = torch.from_numpy(encoded.codes_RC)
            age_days[table] = torch.from_numpy(np.nan_to_num(age_T, nan=0.0).astype(np.float32))
        return SageBatch(dense=dense, codes=codes, age_days=age_days, edges=edges, num_seeds=len(rows_B))


class GraphSage(nn.Module):
    """RelBench's reference model."""

    def __init__(
        self,
        graph: Graph,
        steps: tuple[Step, ...],
        features: Mapping[str, TableFeatures],
        settings: SageSettings,
        answer_shape: tuple[int, ...] = (),
    ) -> None:
        """Of answers of one number, or of `answer_shape`."""
        super().__init__()
        width = settings.channels
        self.answer_shape = answer_shape
        tables = sorted({step.table for step in steps})
        types = sorted({edge_type(steps, position) for position in range(1, len(steps))})
        self.entity_table = steps[0].table
        self.names = {table: str(place) for place, table in enumerate(tables)}
        self.encoders = nn.ModuleDict()
        for table, name in self.names.items():
            codes = tuple(categorical.num_codes for categorical in features[table].categoricals)
            self.encoders[name] = TableEncoder(features[table].num_dense, codes, width)
        self.blocks = nn.ModuleDict(
            {name: nn.ModuleList(_Block(width) for _ in range(settings.num_blocks)) for name in self.names.values()}
        )
        self.ages = nn.ModuleDict({name: nn.Linear(width, width) for name in self.names.values()})
        self.age_encoding = PositionalEncoding(width)
        with warnings.catch_warnings():
            # A table that no edge leads to keeps what it has; PyG warns of it.
            warnings.filterwarnings("ignore", "There exist node types", UserWarning)
            self.convolutions = nn.ModuleList(
                HeteroConv({t: SAGEConv((width, width), width, aggr="sum") for t in types}, aggr="sum")
                for _ in settings.sampler.fanouts
            )
        self.norms = nn.ModuleList(
            nn.ModuleDict({name: nn.LayerNorm(width) for name in self.names.values()}) for _ in settings.sampler.fanouts
        )
        self.head = nn.Linear(width, math.prod(answer_shape))

    def forward(self, batch: SageBatch) -> Tensor:
        """[B] or [B, K] logits, or standardised values."""
        nodes_TW = {table: self._encode(table, batch) for table in self.names}
        for convolution, norms in zip(self.convolutions, self.norms, strict=True):
            assert isinstance(norms, nn.ModuleDict)
            found = convolution(nodes_TW, dict(batch.edges))
            nodes_TW |= {table: norms[self.names[table]](x).relu() for table, x in found.items()}
        logit_BK: Tensor = self.head(nodes_TW[self.entity_table][: batch.num_seeds])
        return logit_BK.reshape(batch.num_seeds, *self.answer_shape)

    @torch.no_grad()
    def fit_scale(self, batch: SageBatch) -> None:
        """Standardise every number by what some batch holds."""
        for table, name in self.names.items():
            encoder = self.encoders[name]
            assert isinstance(encoder, TableEncoder)
            encoder.fit_scale(batch.dense[table])

    def _encode(self, table: str, batch: SageBatch) -> Tensor:
        name = self.names[table]
        x_TW: Tensor = self.encoders[name](batch.dense[table], batch.codes[table])
        blocks = self.blocks[name]
        assert isinstance(blocks, nn.ModuleList)
        for block in blocks:
            x_TW = block(x_TW)
        aged_TW: Tensor = self.ages[name](self.age_encoding(batch.age_days[table]))
        return x_TW + aged_TW


class _Block(nn.Module):
    """A residual block of two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, width), nn.LayerNorm(width)
        )

    def forward(self, x_TW: Tensor) -> Tensor:
        """[T, W]"""
        return torch.relu(x_TW + self.layers(x_TW))


def edge_type(steps: tuple[Step, ...], position: int) -> EdgeType:
    """(table of the step, link and direction, table of its source): one for all hops."""
    step = steps[position]
    return step.table, f"{step.towards} {step.link}", steps[step.source].table


def _numbered(tokens: StepTokens, start: int) -> Int64:
    """[B, M] number of each token among its table's nodes; -1 for padding."""
    mask_BM = tokens.rows_BM >= 0
    return np.where(mask_BM, start + np.cumsum(mask_BM).reshape(mask_BM.shape) - 1, -1)


def _edges(nodes: list[Int64], steps: tuple[Step, ...], found: tuple[StepTokens, ...], kind: EdgeType) -> Int64:
    """[2, E] of every step with that edge type."""
    pairs = []
    for place in range(1, len(steps)):
        if edge_type(steps, place) == kind:
            near_BM = np.repeat(nodes[steps[place].source], found[place].fanout, axis=1)
            mask_BM = nodes[place] >= 0
            pairs.append(np.stack([nodes[place][mask_BM], near_BM[mask_BM]]))
    return np.concatenate(pairs, axis=1)
