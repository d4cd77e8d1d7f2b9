"""The distilled model: one stored embedding + recent rows + the facts of the request -> a logit.

A pre-norm transformer over the tokens [entity, embedding, rows of the histories]. There is no graph to walk, so there
are no encodings of structure: a token knows its table and its age. The numpy twin is `model/served/scorer.py`.

Legend: B requests, T places, R packed rows of a history, W width, H heads, D width of a head, F numbers, C codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.errors import UserError
from model.served.features import TableFeatures, time_features
from model.served.inputs import NUM_SUMMARY, Inputs, Rows, within
from model.served.predictor import ENTITY, vocabulary


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkSettings:
    """Size of the network."""

    width: int = 32
    num_layers: int = 2
    num_heads: int = 4
    feedforward: int = 64
    """Inner width of a layer's two linear maps."""
    category_dim: int = 4
    """Width of a category's own vector, before it is mixed into the token."""
    dropout: float = 0.1
    """Share of a token's channels dropped in training, before attention and in the feed-forward part."""

    def __post_init__(self) -> None:
        for name in ("width", "num_layers", "num_heads", "feedforward", "category_dim"):
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")
        if self.width % self.num_heads:
            raise UserError(f"`width` must divide by `num_heads` (got {self.width} and {self.num_heads})")
        if not 0 <= self.dropout < 1:
            raise UserError(f"`dropout` must be in [0, 1) (got {self.dropout})")


@dataclass(frozen=True, kw_only=True, slots=True)
class TableShape:
    """What one table gives to a token."""

    num_dense: int
    """Numbers of a row; for the entity with the summaries of the histories, for a history without its time."""
    vocabulary: tuple[int, ...]
    """Number of codes of each categorical column, the code for missing included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputShape:
    """What the network is built for."""

    entity: TableShape
    histories: tuple[TableShape, ...]
    embedding_dim: int


def input_shape(features: Mapping[str, TableFeatures], embedding_dim: int) -> InputShape:
    """What the network must be built for."""
    histories = [table for name, table in features.items() if name != ENTITY]
    entity = features[ENTITY]
    num_dense = entity.num_dense + NUM_SUMMARY * len(histories)
    return InputShape(
        entity=TableShape(num_dense=num_dense, vocabulary=vocabulary(entity)),
        histories=tuple(TableShape(num_dense=table.num_dense, vocabulary=vocabulary(table)) for table in histories),
        embedding_dim=embedding_dim,
    )


class TokenEncoder(nn.Module):
    """Numbers and codes of a table's row -> token; the bias says which table it is."""

    starts: Tensor

    def __init__(self, num_dense: int, vocabulary: tuple[int, ...], settings: NetworkSettings) -> None:
        super().__init__()
        self.dense = nn.Linear(num_dense, settings.width)
        self.vocabulary = vocabulary
        if vocabulary:
            self.categories = nn.Embedding(sum(vocabulary), settings.category_dim)
            self.mix = nn.Linear(settings.category_dim * len(vocabulary), settings.width, bias=False)
            starts = torch.tensor([0, *vocabulary[:-1]]).cumsum(0)
            self.register_buffer("starts", starts, persistent=False)

    def forward(self, dense_NF: Tensor, codes_NC: Tensor) -> Tensor:
        """[N, W]."""
        token_NW: Tensor = self.dense(dense_NF)
        if self.vocabulary:
            token_NW = token_NW + self.mix(self.categories(codes_NC + self.starts).flatten(1))
        return token_NW


class Layer(nn.Module):
    """Pre-norm attention and feed-forward; the first `num_asking` places ask, all of them answer."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.num_heads = settings.num_heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_feedforward = nn.LayerNorm(width)
        self.inner = nn.Linear(width, settings.feedforward)
        self.outer = nn.Linear(settings.feedforward, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, tokens_BTW: Tensor, visible_BT: Tensor, num_asking: int) -> Tensor:
        """[B, num_asking, W]."""
        query_BTW, key_BTW, value_BTW = self.qkv(self.norm_attention(tokens_BTW)).chunk(3, dim=-1)
        heard_BHTD = functional.scaled_dot_product_attention(
            self._heads(query_BTW[:, :num_asking]),
            self._heads(key_BTW),
            self._heads(value_BTW),
            attn_mask=visible_BT[:, None, None, :],
        )
        asking_BTW = tokens_BTW[:, :num_asking] + self.dropout(self.out(heard_BHTD.transpose(1, 2).flatten(2)))
        inner = functional.relu(self.inner(self.norm_feedforward(asking_BTW)))
        result: Tensor = asking_BTW + self.dropout(self.outer(inner))
        return result

    def _heads(self, values_BTW: Tensor) -> Tensor:
        num_requests, num_places, width = values_BTW.shape
        return values_BTW.view(num_requests, num_places, self.num_heads, width // self.num_heads).transpose(1, 2)


class DistilledModel(nn.Module):
    """`Inputs` -> logits or standardised values; B may be 0, histories may be empty."""

    def __init__(self, shape: InputShape, settings: NetworkSettings, output: tuple[int, ...] = ()) -> None:
        """Make the layers.

        Args:
            shape: of the inputs.
            settings: the size.
            output: shape of one row's answer, `TaskHead.shape`: () for one number, (K,) for several.
        """
        super().__init__()
        self.output = output
        num_time = time_features(torch.zeros(1).numpy()).shape[-1]
        self.shape = shape
        self.settings = settings
        self.entity = TokenEncoder(shape.entity.num_dense, shape.entity.vocabulary, settings)
        self.embedding = nn.Linear(shape.embedding_dim, settings.width)
        self.embedding_age = nn.Linear(num_time, settings.width)
        self.no_embedding = nn.Parameter(torch.randn(settings.width) * 0.02)
        self.histories = nn.ModuleList(
            TokenEncoder(history.num_dense + num_time, history.vocabulary, settings) for history in shape.histories
        )
        self.layers = nn.ModuleList(Layer(settings) for _ in range(settings.num_layers))
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, prod(output))

    def forward(self, inputs: Inputs) -> Tensor:
        """[B, *output]."""
        tokens_BTW, visible_BT = self._tokens(inputs)
        for layer in self.layers[:-1]:
            tokens_BTW = layer(tokens_BTW, visible_BT, tokens_BTW.shape[1])
        entity_BTW = self.layers[-1](tokens_BTW, visible_BT, 1)
        logit: Tensor = self.head(self.norm(entity_BTW[:, 0])).reshape(len(inputs), *self.output)
        return logit

    def num_parameters(self) -> int:
        """Numbers that training sets."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _tokens(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """[B, T, W] and which of the places hold a token."""
        entity_BW = self.entity(torch.from_numpy(inputs.facts_BF), torch.from_numpy(inputs.codes_BC))
        parts = [torch.stack([entity_BW, self._embedding(inputs)], dim=1)]
        visible = [torch.ones(len(inputs), 2, dtype=torch.bool)]
        for encoder, rows in zip(self.histories, inputs.histories, strict=True):
            place_R = torch.from_numpy(within(rows.owner_R))
            most = int(place_R.max()) + 1 if len(place_R) else 0
            index = (torch.from_numpy(rows.owner_R), place_R)
            empty_BTW = entity_BW.new_zeros(len(inputs), most, entity_BW.shape[1])
            parts.append(empty_BTW.index_put(index, _history(encoder, rows)))
            visible.append(torch.zeros(len(inputs), most, dtype=torch.bool).index_put(index, torch.tensor(True)))
        return torch.cat(parts, dim=1), torch.cat(visible, dim=1)

    def _embedding(self, inputs: Inputs) -> Tensor:
        age_days_B = torch.from_numpy(inputs.embedding_age_days_B)
        missing_B = age_days_B.isnan()
        age_BF = torch.from_numpy(time_features(age_days_B.nan_to_num(0.0).numpy()))
        token_BW = self.embedding(torch.from_numpy(inputs.embedding_BE)) + self.embedding_age(age_BF)
        return torch.where(missing_B[:, None], self.no_embedding, token_BW)


def _history(encoder: nn.Module, rows: Rows) -> Tensor:
    """[R, W] tokens of one history."""
    dense_RF = torch.cat([torch.from_numpy(rows.dense_RF), torch.from_numpy(time_features(rows.age_days_R))], dim=1)
    token_RW: Tensor = encoder(dense_RF, torch.from_numpy(rows.codes_RC))
    return token_RW
