"""A pre-norm transformer layer over padded sets of tokens, and one that answers for the first token alone.

Legend: B batch, N tokens, W width, H heads.
"""

from torch import Tensor, nn
from torch.nn import functional


class TransformerLayer(nn.Module):
    """LayerNorm, attention, LayerNorm, feed-forward; both with a residual."""

    def __init__(self, width: int, num_heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        assert width % num_heads == 0, f"width {width} does not divide by {num_heads} heads"
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, feed_forward), nn.GELU(), nn.Linear(feed_forward, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens_BNW: Tensor, mask_BN: Tensor, *, first_only: bool = False) -> Tensor:
        """Attend over the tokens whose mask is true; the first token of each set must be one of them.

        Returns:
            [B, N, W], or [B, 1, W] with `first_only`: what the first token becomes.
        """
        normed_BNW = self.attention_norm(tokens_BNW)
        asking = slice(0, 1) if first_only else slice(None)
        residual = tokens_BNW[:, asking]
        key, value = self.key_value(normed_BNW).chunk(2, dim=-1)
        heard = functional.scaled_dot_product_attention(
            self._heads(self.query(normed_BNW[:, asking])),
            self._heads(key),
            self._heads(value),
            attn_mask=mask_BN[:, None, None, :],
        )
        attended = residual + self.dropout(self.out(heard.transpose(1, 2).flatten(2)))
        result: Tensor = attended + self.dropout(self.feed_forward(attended))
        return result

    def _heads(self, x_BNW: Tensor) -> Tensor:
        """[B, N, W] -> [B, H, N, W / H]."""
        batch, num_tokens, width = x_BNW.shape
        return x_BNW.reshape(batch, num_tokens, self.num_heads, width // self.num_heads).transpose(1, 2)


class SeedTransformer(nn.Module):
    """Layers over all tokens, the last for the first token only."""

    def __init__(self, width: int, num_layers: int, num_heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerLayer(width, num_heads, feed_forward, dropout) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens_BNW: Tensor, mask_BN: Tensor) -> Tensor:
        """The first token after all layers [B, W]."""
        if len(tokens_BNW) == 0:
            return tokens_BNW.new_zeros(0, tokens_BNW.shape[-1])
        last = len(self.layers) - 1
        for position, layer in enumerate(self.layers):
            tokens_BNW = layer(tokens_BNW, mask_BN, first_only=position == last)
        first_BW: Tensor = self.norm(tokens_BNW[:, 0])
        return first_BW
