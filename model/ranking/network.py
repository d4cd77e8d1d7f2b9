"""The network of a ranking: an entity's query against items' vectors, plus what is in fashion, plus its habits.

    score(entity, item) = query(embedding, vectors of its own items) . vector(item)
                        + fashion(popularity of the item) + habit(the entity's rows of the item, its popularity)

Legend: B entities, N items, H places of own items, E embedding, D width of vectors, P and Q features, W windows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.deep.encoder import TableEncoder
from model.errors import UserError
from model.ranking.items import NUM_OWN, NUM_POPULARITY, WINDOWS


@dataclass(frozen=True, kw_only=True, slots=True)
class RankingSettings:
    """The size of what ranking adds to the deep encoder."""

    vector_dim: int = 64
    """D."""
    hidden: int = 32
    """Inner width of fashion and habit."""
    vector_dropout: float = 0.2
    """Share of items read as never seen in training, so that their columns alone must do."""

    def __post_init__(self) -> None:
        for name in ("vector_dim", "hidden"):
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")
        if not 0 <= self.vector_dropout < 1:
            raise UserError(f"`vector_dropout` must be in [0, 1) (got {self.vector_dropout})")


class RankingHead(nn.Module):
    """Everything but the deep encoder; begins as the popularity of the last horizon."""

    def __init__(
        self, embedding_dim: int, num_items: int, num_dense: int, num_codes: tuple[int, ...], settings: RankingSettings
    ) -> None:
        """Make the layers.

        Args:
            embedding_dim: E.
            num_items: N, of training; a later item has no vector of its own.
            num_dense: numbers of an item's row.
            num_codes: of each of its categorical columns.
            settings: the size.
        """
        super().__init__()
        dim = settings.vector_dim
        self.settings = settings
        self.num_items = num_items
        self.vectors = nn.Embedding(num_items + 1, dim, padding_idx=num_items)
        nn.init.zeros_(self.vectors.weight)
        self.columns = TableEncoder(num_dense, num_codes, dim)
        self.query = nn.Linear(embedding_dim, dim)
        self.taste = nn.ModuleList(nn.Linear(dim, dim, bias=False) for _ in range(len(WINDOWS) + 1))
        self.scale = dim**-0.5
        self.fashion = _Score(NUM_POPULARITY, settings.hidden)
        self.habit = _Score(NUM_OWN + NUM_POPULARITY, settings.hidden)
        with torch.no_grad():
            self.fashion.linear.weight[0, WINDOWS.index(1.0)] = 1.0

    def item_vectors(self, index_N: Tensor, dense_NF: Tensor, codes_NC: Tensor) -> Tensor:
        """[N, D] of items at `index_N` (`num_items`: never seen in training)."""
        if self.training and self.settings.vector_dropout:
            hidden = torch.rand(len(index_N)) < self.settings.vector_dropout
            index_N = torch.where(hidden, self.num_items, index_N)
        vectors: Tensor = self.vectors(index_N) + self.columns(dense_NF, codes_NC)
        return vectors

    def queries(self, embedding_BE: Tensor, own_BHD: Tensor, weights_BHW: Tensor) -> Tensor:
        """[B, D], scaled for products with vectors."""
        query_BD = self.query(embedding_BE)
        mean_BWD = weights_BHW.transpose(1, 2) @ own_BHD
        for window, layer in enumerate(self.taste):
            query_BD = query_BD + layer(mean_BWD[:, window])
        scaled: Tensor = query_BD * self.scale
        return scaled

    def habits(self, features_BHQ: Tensor, popularity_BHP: Tensor) -> Tensor:
        """[B, H] what an entity's own items score beyond others."""
        habit: Tensor = self.habit(torch.cat([features_BHQ, popularity_BHP], dim=-1))
        return habit


class _Score(nn.Module):
    """A straight line and a bend that begins flat."""

    def __init__(self, num_features: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(num_features, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.bend = nn.Sequential(nn.Linear(num_features, hidden), nn.GELU(), nn.Linear(hidden, 1))
        nn.init.zeros_(self.bend[2].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.bend[2].bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        score: Tensor = (self.linear(features) + self.bend(features)).squeeze(-1)
        return score
