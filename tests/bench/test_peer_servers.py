"""Peers by name. They live in an environment that only `make bench` sets up, so here they are refused or built."""

from pathlib import Path

import lightgbm
import numpy as np
import pytest

from bench import peer_servers
from bench.boosted import make_booster
from bench.material import Material
from model.errors import UserError


def test_an_unknown_peer_names_the_known_ones(material: Material) -> None:
    with pytest.raises(UserError, match="no peer `torchserve`") as caught:
        peer_servers.peers(("torchserve",), material)
    assert "fastapi" in str(caught.value.hint)


def test_without_their_environment_the_way_to_it_is_told(material: Material, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_servers, "ENVIRONMENT", "nowhere")
    with pytest.raises(UserError, match="no `nowhere`") as caught:
        peer_servers.peers(("fastapi",), material)
    assert "scripts/setup peers" in str(caught.value.hint)


def test_the_booster_answers_as_its_server_will(material: Material, tmp_path: Path) -> None:
    answers = make_booster(material, tmp_path)
    booster = lightgbm.Booster(model_file=str(tmp_path / "booster.txt"))
    keys, rows = np.load(tmp_path / "keys.npy").tolist(), np.load(tmp_path / "rows.npy")
    key = material.values[5].facts[material.contract.embedding_key]
    again = np.asarray(booster.predict(rows[[keys.index(key)]], num_threads=1))
    assert again[0] == pytest.approx(answers[5], abs=1e-6)
    assert booster.num_trees() == 200
    assert answers.std() > 0.05


@pytest.mark.parametrize("name", peer_servers.PEERS)
def test_every_peer_is_a_program_of_the_room(name: str) -> None:
    command = peer_servers.PEERS[name].command(1234, 2)
    assert "1234" in command
    module = next(part for part in command if part.startswith("bench.peers.")).split(":")[0]
    assert (Path(peer_servers.__file__).parents[1] / f"{module.replace('.', '/')}.py").exists()
