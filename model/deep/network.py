"""A sampled neighbourhood becomes an embedding and a logit (or several): the relational graph transformer.

A token is a row near the seed: its columns, its step (table, link and hop), its age, how many children of each kind it
had lately, and what they were like. A parent is added to the token that points at it, so that a transaction knows its
article and the attention runs over the seed and the children only.
Legend: B seeds, M places of a step, T tokens in them, N places in all, W width, E embedding, F numbers, C codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model.deep.encoder import TableEncoder
from model.deep.sampler import Sampler, SamplerSettings, Step, StepTokens, has_then, num_numbers
from model.deep.summaries import Summaries, num_summaries
from model.deep.transformer import SeedTransformer
from model.errors import UserError
from model.graph import Graph
from model.served.features import NUM_TIME_FEATURES, TableFeatures, time_features
from model.store.rich_columns import RichEncoder, num_vector_numbers
from model.store.row_features import RowEncoder
from model.store.store import GraphStore

_STEEPEST = 10.0
"""Beyond this sinh of the last layer would overflow sooner or later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepSettings:
    """The size of the network."""

    width: int = 128
    num_layers: int = 2
    num_heads: int = 4
    feed_forward: int = 512
    embedding_dim: int = 64
    dropout: float = 0.1
    """On the residual branches; none when scoring."""
    code_dropout: float = 0.1
    """Chance that a category is read as unknown in training."""

    def __post_init__(self) -> None:
        if self.width % self.num_heads:
            raise UserError(f"`width` must divide by `num_heads` (got {self.width} and {self.num_heads})")
        for name in ("width", "num_layers", "num_heads", "feed_forward", "embedding_dim"):
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")
        for name in ("dropout", "code_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"`{name}` must be in [0, 1) (got {getattr(self, name)})")


@dataclass(frozen=True, kw_only=True, slots=True)
class StepInputs:
    """The tokens of one step as tensors, without padding: T of the B x M places hold a row."""

    dense_TF: Tensor  # noqa: N815
    """Columns, time features, what surrounds the row."""
    codes_TC: Tensor  # noqa: N815
    mask_BM: Tensor  # noqa: N815
    """Where the T tokens go, row by row."""
    fanout: int
    parts_P: Tensor | None = None  # noqa: N815
    starts_B: Tensor | None = None  # noqa: N815
    """Hashed parts of texts and lists, and where each of the K x T bags begins; None without such columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepInputs:
    """A batch of neighbourhoods, ready for the network."""

    steps: tuple[StepInputs, ...]

    def __len__(self) -> int:
        return len(self.steps[0].mask_BM)


class InputBuilder:
    """Samples and encodes batches; holds no state between calls, so a thread may run it ahead of the network."""

    def __init__(
        self,
        store: GraphStore,
        entity_table: str,
        features: Mapping[str, TableFeatures],
        sampler: SamplerSettings,
    ) -> None:
        self.sampler = Sampler(store, entity_table, sampler)
        tables = {step.table for step in self.sampler.steps}
        self._encoders = {table: RowEncoder(store, features[table]) for table in tables}
        rich = {table for table in tables if features[table].bags or features[table].vectors}
        self._rich = {table: RichEncoder(store, features[table]) for table in rich}
        self._summaries = {table: Summaries(store, table, features) for table in tables} if sampler.summaries else {}

    def build(self, rows_B: npt.NDArray[np.int64], times_B: npt.NDArray[np.int64]) -> DeepInputs:
        """Inputs for seeds `rows_B` as of `times_B` (nanoseconds)."""
        assert (rows_B >= 0).all(), "a seed must be a row of the entity table"
        found = self.sampler.sample(rows_B, times_B)
        return DeepInputs(steps=tuple(self._encode(position, found, times_B) for position in range(len(found))))

    def _encode(self, position: int, found: Sequence[StepTokens], times_B: npt.NDArray[np.int64]) -> StepInputs:
        step, tokens = self.sampler.steps[position], found[position]
        mask_BM = tokens.rows_BM >= 0
        rows_T, now_T = tokens.rows_BM[mask_BM].astype(np.int64), times_B[np.nonzero(mask_BM)[0]]
        encoded = self._encoders[step.table].encode(rows_T, now_T)
        parts_TF = [encoded.dense_RF, time_features(tokens.age_days_BM[mask_BM]), tokens.numbers_BMD[mask_BM]]
        if self._summaries:
            parts_TF.append(self._summaries[step.table].of(rows_T, now_T))
            if has_then(self.sampler.steps, step):
                then_BM = self.sampler.times(self.sampler.steps[step.source].table, found[step.source].rows_BM)
                parts_TF.append(self._summaries[step.table].of(rows_T, then_BM[mask_BM]))
        rich = self._rich[step.table].encode(rows_T) if step.table in self._rich else None
        if rich is not None:
            parts_TF.append(rich.vectors_RV)
        dense_TF = np.concatenate(parts_TF, axis=1, dtype=np.float32)
        return StepInputs(
            parts_P=None if rich is None else torch.from_numpy(rich.parts_P),
            starts_B=None if rich is None else torch.from_numpy(rich.starts_B),
            dense_TF=torch.from_numpy(dense_TF),
            codes_TC=torch.from_numpy(encoded.codes_RC),
            mask_BM=torch.from_numpy(mask_BM),
            fanout=tokens.fanout,
        )


class DeepModel(nn.Module):
    """Relational graph transformer over the steps of one sampling plan."""

    def __init__(
        self,
        graph: Graph,
        steps: Sequence[Step],
        features: Mapping[str, TableFeatures],
        settings: DeepSettings,
        output: tuple[int, ...] = (),
        *,
        summaries: bool = False,
        bend: tuple[float, float] | None = None,
    ) -> None:
        """Make the layers.

        Args:
            graph: of the tables.
            steps: of `plan_steps`.
            features: by table.
            settings: the size.
            output: shape of one row's answer, `TaskHead.shape`: () for one number, (K,) for several.
            summaries: as `SamplerSettings` says.
            bend: (factor, offset): answers are factor x sinh(last layer) + offset, for numbers of many magnitudes;
                None: the last layer's own.
        """
        super().__init__()
        self.steps = tuple(steps)
        self.settings = settings
        self.output = output
        self.bend = bend
        width = settings.width
        self.encoders = nn.ModuleList()
        for position, step in enumerate(self.steps):
            columns = features[step.table]
            num_dense = columns.num_dense + NUM_TIME_FEATURES + num_numbers(graph, self.steps, position)
            if summaries:
                times = 2 if has_then(self.steps, step) else 1
                num_dense += times * num_summaries(graph, features, step.table)
            num_dense += num_vector_numbers(columns)
            codes = tuple(feature.num_codes for feature in columns.categoricals)
            self.encoders.append(TableEncoder(num_dense, codes, width, len(columns.bags)))
        self.step_SW = nn.Parameter(torch.randn(len(steps), width) * 0.1)
        lifted = any(_is_grandchild(self.steps, step) for step in self.steps)
        self.lift = nn.Linear(width, width) if lifted else None
        self.norm = nn.LayerNorm(width)
        self.transformer = SeedTransformer(
            width, settings.num_layers, settings.num_heads, settings.feed_forward, settings.dropout
        )
        self.to_embedding = nn.Linear(width, settings.embedding_dim)
        self.head = nn.Sequential(
            nn.Linear(settings.embedding_dim, settings.embedding_dim),
            nn.GELU(),
            nn.Linear(settings.embedding_dim, prod(output)),
        )

    # The season of the seed's time is left out on purpose: with a few years of data the network learns the training
    # cut-offs by heart, and is wrong about the next one.

    def forward(self, inputs: DeepInputs) -> tuple[Tensor, Tensor]:
        """(outputs [B, *output], embedding [B, E]); B may be 0."""
        tokens_SBMW = [self._tokens(position, inputs) for position in range(len(self.steps))]
        # Farthest first, so that a parent's parent has arrived in the parent before that moves on.
        for position in reversed(range(1, len(self.steps))):
            step = self.steps[position]
            if step.towards == "parents":
                tokens_SBMW[step.source] = tokens_SBMW[step.source] + tokens_SBMW[position]
        for position, step in enumerate(self.steps):
            if self.lift is not None and _is_grandchild(self.steps, step):
                source_BMW = self.lift(tokens_SBMW[step.source])
                fanout = inputs.steps[position].fanout
                tokens_SBMW[position] = tokens_SBMW[position] + source_BMW.repeat_interleave(fanout, dim=1)
        attended = [position for position, step in enumerate(self.steps) if step.towards != "parents"]
        tokens_BNW = torch.cat([tokens_SBMW[position] for position in attended], dim=1)
        mask_BN = torch.cat([inputs.steps[position].mask_BM for position in attended], dim=1)
        embedding_BE = self.to_embedding(self.transformer(self.norm(tokens_BNW), mask_BN))
        answer_BK = self.head(embedding_BE)
        if self.bend is not None:
            answer_BK = self.bend[0] * answer_BK.clamp(-_STEEPEST, _STEEPEST).sinh() + self.bend[1]
        return answer_BK.reshape(len(embedding_BE), *self.output), embedding_BE

    def fit_scale(self, inputs: DeepInputs) -> None:
        """Standardise the numbers of every step by what some batch of inputs holds."""
        for encoder, step in zip(self.encoders, inputs.steps, strict=True):
            assert isinstance(encoder, TableEncoder)
            encoder.fit_scale(step.dense_TF)

    def _tokens(self, position: int, inputs: DeepInputs) -> Tensor:
        """Tokens [B, M, W] of one step; 0 for padding."""
        tokens = inputs.steps[position]
        codes_TC = tokens.codes_TC
        if self.training and self.settings.code_dropout:
            codes_TC = codes_TC * (torch.rand(codes_TC.shape) >= self.settings.code_dropout)
        encoded_TW = self.encoders[position](tokens.dense_TF, codes_TC, tokens.parts_P, tokens.starts_B)
        encoded_TW = encoded_TW + self.step_SW[position]
        place_T = tokens.mask_BM.flatten().nonzero().squeeze(1)
        flat_PW = encoded_TW.new_zeros(tokens.mask_BM.numel(), self.settings.width)
        filled_PW: Tensor = flat_PW.index_copy(0, place_T, encoded_TW)
        return filled_PW.reshape(*tokens.mask_BM.shape, self.settings.width)


def num_parameters(model: nn.Module) -> int:
    """Numbers that training moves."""
    return sum(parameter.numel() for parameter in model.parameters())


def _is_grandchild(steps: Sequence[Step], step: Step) -> bool:
    """Whether its source is a child too: it then needs to know whose child it is."""
    return step.towards == "children" and steps[step.source].towards == "children"
