"""Protocol files: those that ship are sound, and a mistake is named with its field."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from model.errors import UserError
from model.protocol.protocol import SEEDLESS, read_protocol
from model.query import parse_query
from tests.model.protocol.samples import protocol

SHIPPED = sorted((Path(__file__).parents[3] / "protocols").glob("*.yaml"))
PLAIN: dict[str, Any] = yaml.safe_load((SHIPPED[0]).read_text())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_protocol_has_its_own_name_and_a_query_that_parses(path: Path) -> None:
    found = read_protocol(path)
    assert found.name == path.stem
    assert parse_query(found.query).text == found.query
    assert all(set(pair) <= set(found.models) for pair in found.compare)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"windws": 3}, r"windws: Extra inputs"),
        ({"models": ["lightgbm"]}, r"models\.0: .*got 'lightgbm'"),
        ({"models": ["distilled"], "compare": []}, "name both in `models`"),
        ({"models": ["network"], "compare": []}, "`network` is a part of `deep`"),
        ({"seeds": 0}, r"seeds: .*\(got 0\)"),
        ({"test": "2001-01-01"}, "`test` comes after `validation`"),
        ({"regimes": ["frozen"]}, "holds `rolling` at least"),
        ({"models": ["deep", "deep"], "compare": []}, "`models` names one twice"),
        ({"models": ["deep"], "compare": [["deep", "repeat"]]}, "`compare` speaks of `deep` and `repeat`"),
        ({"models": ["oracle"], "compare": []}, "`oracle` knows the simulated shop alone"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(PLAIN | changes))
    with pytest.raises(UserError, match=told):
        read_protocol(tmp_path / "p.yaml")


def test_no_file_and_no_yaml_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the protocol"):
        read_protocol(tmp_path / "p.yaml")
    (tmp_path / "p.yaml").write_text("a: [")
    with pytest.raises(UserError, match="is not YAML"):
        read_protocol(tmp_path / "p.yaml")


def test_options_replace_settings_and_are_checked() -> None:
    changed = protocol().changed(models=["lightgbm_dfs"], seeds=1, without=["heat", "life_cycle"])
    assert changed.name == "shop-churn-without-heat-without-life-cycle"
    assert (changed.models, changed.seeds, changed.compare) == (("lightgbm_dfs",), 1, ())
    with pytest.raises(UserError, match=r"the options: tables\.ShopTables\.without"):
        protocol().changed(without=["weather"])
    with pytest.raises(UserError, match="simulated shop alone"):
        read_protocol(SHIPPED[0]).changed(without=["heat"])


def test_models_without_chance_have_one_seed() -> None:
    assert {name: protocol().num_seeds(name) for name in (*SEEDLESS, "deep")} == dict.fromkeys(SEEDLESS, 1) | {
        "deep": 2
    }
