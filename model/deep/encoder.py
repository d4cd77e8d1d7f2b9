"""Rows of one table become token vectors: numbers through a small network, categorical codes and hashed parts of texts
through embeddings.

Legend: T rows, F numbers, C codes, K bags of a row, P parts of all bags, W width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.served.features import CLIP

_SMALLEST_STD = 1e-4
NUM_BUCKETS = 4096
"""Hashed parts share this many vectors."""
_PART_WIDTH = 32


class TableEncoder(nn.Module):
    """Encodes the rows of one table; a table without any column gives zeros."""

    def __init__(self, num_dense: int, num_codes: tuple[int, ...], width: int, num_bags: int = 0) -> None:
        """Make the layers.

        Args:
            num_dense: F.
            num_codes: of each of the C columns; codes are in [0, n).
            width: W.
            num_bags: K.
        """
        super().__init__()
        self.num_bags = num_bags
        self.width = width
        # Set from the data before training, stored with the weights.
        self.register_buffer("mean_F", torch.zeros(num_dense))
        self.register_buffer("std_F", torch.ones(num_dense))
        self.dense = None
        if num_dense:
            self.dense = nn.Sequential(nn.Linear(num_dense, width), nn.GELU(), nn.Linear(width, width))
        self.codes = None
        if num_codes:
            # One table of all columns' vectors, summed in one call; each column starts at its own offset.
            self.codes = nn.EmbeddingBag(sum(num_codes), width, mode="sum")
            nn.init.normal_(self.codes.weight, std=0.3 / len(num_codes) ** 0.5)
        if num_bags:
            self.parts = nn.EmbeddingBag(NUM_BUCKETS, _PART_WIDTH, mode="mean")
            nn.init.normal_(self.parts.weight, std=0.3)
            self.mix = nn.Linear(num_bags * _PART_WIDTH, width, bias=False)
        starts = [sum(num_codes[:position]) for position in range(len(num_codes))]
        self.register_buffer("start_C", torch.tensor(starts, dtype=torch.int64), persistent=False)

    @torch.no_grad()
    def fit_scale(self, dense_TF: Tensor) -> None:
        """Standardise every number by its mean and deviation over some rows; numbers that are all the same by 1."""
        if len(dense_TF) > 1 and dense_TF.shape[1]:
            std_F = dense_TF.std(dim=0)
            self.get_buffer("mean_F").copy_(dense_TF.mean(dim=0))
            self.get_buffer("std_F").copy_(torch.where(std_F > _SMALLEST_STD, std_F, 1.0))

    def forward(
        self, dense_TF: Tensor, codes_TC: Tensor, parts_P: Tensor | None = None, starts_B: Tensor | None = None
    ) -> Tensor:
        """Tokens [T, W]; T may be 0. The bags begin at `starts_B` [K x T], one column after the other."""
        tokens_TW = dense_TF.new_zeros(len(dense_TF), self.width)
        if self.dense is not None:
            standard_TF = (dense_TF - self.get_buffer("mean_F")) / self.get_buffer("std_F")
            tokens_TW = tokens_TW + self.dense(standard_TF.clamp(-CLIP, CLIP))
        if self.codes is not None:
            start_C = self.get_buffer("start_C")
            tokens_TW = tokens_TW + functional.embedding_bag(codes_TC + start_C, self.codes.weight, mode="sum")
        if self.num_bags:
            assert parts_P is not None
            bags_KTP = self.parts(parts_P % NUM_BUCKETS, starts_B).reshape(self.num_bags, len(dense_TF), _PART_WIDTH)
            tokens_TW = tokens_TW + self.mix(bags_KTP.transpose(0, 1).flatten(1))
        return tokens_TW
