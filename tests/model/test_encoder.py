import torch

from model.encoder import TableEncoder


def test_every_number_and_every_code_matters() -> None:
    torch.manual_seed(0)
    encoder = TableEncoder(3, (4, 5), width=8)
    dense, codes = torch.randn(1, 3), torch.tensor([[1, 2]])
    base = encoder(dense, codes)
    assert base.shape == (1, 8)
    for column in range(3):
        moved = dense.clone()
        moved[0, column] += 1.0
        assert not torch.allclose(encoder(moved, codes), base)
    for column in range(2):
        moved = codes.clone()
        moved[0, column] += 1
        assert not torch.allclose(encoder(dense, moved), base)


def test_columns_do_not_share_codes() -> None:
    torch.manual_seed(0)
    encoder = TableEncoder(0, (3, 3), width=8)
    nothing = torch.zeros(2, 0)
    one, other = encoder(nothing, torch.tensor([[1, 2], [2, 1]]))
    assert not torch.allclose(one, other)
    last = encoder(nothing[:1], torch.tensor([[2, 2]]))
    assert encoder.codes is not None
    torch.testing.assert_close(last[0], encoder.codes.weight[2] + encoder.codes.weight[5])


def test_tables_without_columns_and_batches_without_rows() -> None:
    assert (
        TableEncoder(0, (), width=8)(torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.int64)).tolist() == [[0] * 8] * 2
    )
    encoder = TableEncoder(2, (3,), width=8)
    assert encoder(torch.zeros(0, 2), torch.zeros(0, 1, dtype=torch.int64)).shape == (0, 8)
