import torch

from model.deep.encoder import NUM_BUCKETS, TableEncoder


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


def test_numbers_are_standardised_and_drawn_in() -> None:
    torch.manual_seed(0)
    encoder = TableEncoder(2, (), width=8)
    rows = torch.stack([torch.linspace(100, 200, 50), torch.full((50,), 3.0)], dim=1)
    encoder.fit_scale(rows)
    codes = torch.zeros(1, 0, dtype=torch.int64)
    assert encoder.dense is not None
    middle = encoder(torch.tensor([[150.0, 4.0]]), codes)
    torch.testing.assert_close(middle, encoder.dense(torch.tensor([[0.0, 1.0]])))
    assert torch.equal(encoder(torch.tensor([[1e7, 3.0]]), codes), encoder(torch.tensor([[1e9, 3.0]]), codes))
    state = encoder.state_dict()
    encoder.fit_scale(rows[:1])
    assert torch.equal(encoder.state_dict()["mean_F"], state["mean_F"])


def test_a_bag_is_the_mean_of_its_parts_and_columns_differ() -> None:
    torch.manual_seed(0)
    encoder = TableEncoder(0, (), width=8, num_bags=2)
    dense, codes = torch.zeros(3, 0), torch.zeros(3, 0, dtype=torch.int64)
    # First column: [7, 9], [], [9]; second: [], [7, 9, 7, 9], [7].
    parts, starts = torch.tensor([7, 9, 9, 7, 9, 7, 9, 7]), torch.tensor([0, 2, 2, 3, 3, 7])
    found = encoder(dense, codes, parts, starts)
    both = encoder.parts.weight[[7, 9]].mean(dim=0)
    nothing = torch.zeros_like(both)
    torch.testing.assert_close(found[0], encoder.mix(torch.cat([both, nothing])))
    torch.testing.assert_close(found[1], encoder.mix(torch.cat([nothing, both])))
    beyond = encoder(dense, codes, parts + NUM_BUCKETS, starts)
    torch.testing.assert_close(beyond, found)
    none = torch.zeros(0, dtype=torch.int64)
    assert encoder(dense[:0], codes[:0], none, none).shape == (0, 8)
