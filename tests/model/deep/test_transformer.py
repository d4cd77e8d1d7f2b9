import pytest
import torch

from model.deep.transformer import SeedTransformer, TransformerLayer


@pytest.fixture
def transformer() -> SeedTransformer:
    torch.manual_seed(0)
    return SeedTransformer(16, 2, 4, 32, 0.3).eval()


def test_masked_tokens_change_nothing(transformer: SeedTransformer) -> None:
    tokens = torch.randn(3, 6, 16)
    mask = torch.tensor([[True] * 4 + [False] * 2] * 3)
    base = transformer(tokens, mask)
    wild = tokens.clone()
    wild[:, 4:] = 1e4
    torch.testing.assert_close(transformer(wild, mask), base)
    torch.testing.assert_close(transformer(tokens[:, :4], mask[:, :4]), base)
    assert not torch.allclose(transformer(wild, torch.ones_like(mask)), base)


def test_the_order_of_the_others_does_not_matter(transformer: SeedTransformer) -> None:
    tokens, mask = torch.randn(2, 5, 16), torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(transformer(tokens[:, [0, 3, 1, 4, 2]], mask), transformer(tokens, mask))
    assert not torch.allclose(transformer(tokens[:, [1, 0, 2, 3, 4]], mask), transformer(tokens, mask))


def test_first_only_is_the_first_of_all() -> None:
    torch.manual_seed(0)
    layer = TransformerLayer(16, 2, 32, 0.0).eval()
    tokens, mask = torch.randn(2, 5, 16), torch.ones(2, 5, dtype=torch.bool)
    torch.testing.assert_close(layer(tokens, mask, first_only=True), layer(tokens, mask)[:, :1])


def test_dropout_is_off_when_scoring(transformer: SeedTransformer) -> None:
    tokens, mask = torch.randn(2, 5, 16), torch.ones(2, 5, dtype=torch.bool)
    assert torch.equal(transformer(tokens, mask), transformer(tokens, mask))
    transformer.train()
    assert not torch.equal(transformer(tokens, mask), transformer(tokens, mask))


def test_a_batch_of_one_and_of_none(transformer: SeedTransformer) -> None:
    assert transformer(torch.randn(1, 1, 16), torch.ones(1, 1, dtype=torch.bool)).shape == (1, 16)
    assert transformer(torch.randn(0, 3, 16), torch.ones(0, 3, dtype=torch.bool)).shape == (0, 16)
