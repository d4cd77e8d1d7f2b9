"""Rows of one table become token vectors: numbers through a small network, categorical codes through embeddings.

Legend: T rows, F numbers, C codes, W width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class TableEncoder(nn.Module):
    """Encodes the rows of one table; a table without any column gives zeros."""

    def __init__(self, num_dense: int, num_codes: tuple[int, ...], width: int) -> None:
        """Make the layers.

        Args:
            num_dense: F.
            num_codes: of each of the C columns; codes are in [0, n).
            width: W.
        """
        super().__init__()
        self.width = width
        self.dense = None
        if num_dense:
            self.dense = nn.Sequential(nn.Linear(num_dense, width), nn.GELU(), nn.Linear(width, width))
        self.codes = None
        if num_codes:
            # One table of all columns' vectors, summed in one call; each column starts at its own offset.
            self.codes = nn.EmbeddingBag(sum(num_codes), width, mode="sum")
            nn.init.normal_(self.codes.weight, std=0.3 / len(num_codes) ** 0.5)
        starts = [sum(num_codes[:position]) for position in range(len(num_codes))]
        self.register_buffer("start_C", torch.tensor(starts, dtype=torch.int64), persistent=False)

    def forward(self, dense_TF: Tensor, codes_TC: Tensor) -> Tensor:
        """Tokens [T, W]; T may be 0."""
        tokens_TW = dense_TF.new_zeros(len(dense_TF), self.width)
        if self.dense is not None:
            tokens_TW = tokens_TW + self.dense(dense_TF)
        if self.codes is not None:
            start_C = self.get_buffer("start_C")
            tokens_TW = tokens_TW + functional.embedding_bag(codes_TC + start_C, self.codes.weight, mode="sum")
        return tokens_TW
