"""Texts, lists of categories and given embeddings, from files to what the deep model reads."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from model.errors import UserError
from model.graph import SemanticType
from model.served.features import VectorFeature, features_from_json, features_to_json
from model.store.bags import MAX_PARTS, list_parts, text_parts
from model.store.rich_columns import RichEncoder, num_vector_numbers
from model.store.row_features import FeatureSettings, fit_features
from model.store.store import GraphStore, build_store, open_store
from model.tables.database import open_database
from tests.model.little_tables import day, day_ns, write_tables

NUM_ROWS = 300
TEXTS = [f"The letter number {n}, about öl" if n % 10 else None for n in range(NUM_ROWS)]
TAGS = [["new", None, f"tag {n % 7}"][: n % 4] if n % 11 else None for n in range(NUM_ROWS)]
VECTORS = [[0.5 * n, 1.0, -2.0] if n % 13 else (None if n % 2 else [7.0]) for n in range(NUM_ROWS)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> GraphStore:
    folder = tmp_path_factory.mktemp("rich")
    write_tables(
        folder / "tables",
        # Backwards, so that the rows of the store are in another order than those of the file.
        letters={
            "letter_id": list(range(NUM_ROWS)),
            "sent": [day(NUM_ROWS - n) for n in range(NUM_ROWS)],
            "body": TEXTS,
            "tags": TAGS,
            "vector": VECTORS,
        },
    )
    with open_database(folder / "tables") as database:
        kinds = {column.name: column.semantic_type for column in database.graph.table("letters").columns}
        assert [kinds[name] for name in ("body", "tags", "vector")] == [
            SemanticType.TEXT,
            SemanticType.MULTICATEGORICAL,
            SemanticType.EMBEDDING,
        ]
        build_store(database, folder / "graph")
    return open_store(folder / "graph")


def test_rows_hold_the_parts_of_their_own_text_and_tags(store: GraphStore) -> None:
    features = fit_features(store, day_ns(NUM_ROWS), FeatureSettings())["letters"]
    assert (features.bags, features.vectors) == (("body", "tags"), (VectorFeature(column="vector", width=3),))
    assert "body" not in features.columns
    rows = np.array([5, 0, 260, 5, 299])
    found = RichEncoder(store, features).encode(rows)
    ends = [*found.starts_B[1:].tolist(), len(found.parts_P)]
    bags = [found.parts_P[a:b].tolist() for a, b in zip(found.starts_B.tolist(), ends, strict=True)]
    keys = store.keys("letters")[rows].tolist()
    assert bags[:5] == [text_parts(TEXTS[key] or "") for key in keys]
    assert bags[5:] == [list_parts(TAGS[key] or []) for key in keys]
    assert max(len(bag) for bag in bags) > 10


def test_vectors_of_another_width_or_none_are_missing(store: GraphStore) -> None:
    features = fit_features(store, day_ns(NUM_ROWS), FeatureSettings())["letters"]
    found_RV = RichEncoder(store, features).encode(np.arange(NUM_ROWS)).vectors_RV
    assert found_RV.shape == (NUM_ROWS, num_vector_numbers(features)) == (NUM_ROWS, 4)
    for key, found in zip(store.keys("letters").tolist(), found_RV.tolist(), strict=True):
        vector = VECTORS[key]
        assert found == ([0, 0, 0, 1] if vector is None or len(vector) != 3 else [*vector, 0])


def test_columns_without_a_value_up_to_then_or_hidden_are_left_out(store: GraphStore) -> None:
    # The first row in time, number 299, has a text and tags; nothing at all is there before it.
    assert fit_features(store, day_ns(0), FeatureSettings())["letters"].bags == ()
    assert fit_features(store, day_ns(0), FeatureSettings())["letters"].vectors == ()
    hidden = FeatureSettings(hidden=("letters.body", "letters.vector"))
    features = fit_features(store, day_ns(NUM_ROWS), hidden)["letters"]
    assert (features.bags, features.vectors) == (("tags",), ())
    few = fit_features(store, day_ns(NUM_ROWS), FeatureSettings(max_text_values=1000))["letters"]
    assert (few.bags, [one.column for one in few.categoricals]) == (("tags",), ["body"])


def test_no_rows_and_json(store: GraphStore) -> None:
    features = fit_features(store, day_ns(NUM_ROWS), FeatureSettings())
    assert features_from_json(features_to_json(features)) == features
    nothing = RichEncoder(store, features["letters"]).encode(np.zeros(0, np.int64))
    assert nothing.vectors_RV.shape == (0, 4)
    assert len(nothing.parts_P) == len(nothing.starts_B) == 0


def test_a_store_of_before_is_refused_with_the_way_out(tmp_path: Path) -> None:
    write_tables(
        tmp_path / "tables", notes={"note_id": list(range(90)), "body": [f"note number {n}" for n in range(90)]}
    )
    with open_database(tmp_path / "tables") as database:
        build_store(database, tmp_path / "graph")
    shutil.rmtree(next((tmp_path / "graph").rglob("*.bag")))
    with pytest.raises(UserError, match="earlier version") as caught:
        open_store(tmp_path / "graph").bags("notes", "body")
    assert caught.value.hint == "run `stillhouse check` again"


def test_kindred_words_share_parts_and_hashes_stay_as_they_are() -> None:
    assert text_parts("Refund, REFUND") == text_parts("refund") * 2
    shared = set(text_parts("refunded")) & set(text_parts("refund"))
    assert 4 <= len(shared) < len(text_parts("refund"))
    assert not set(text_parts("refund")) & set(text_parts("holiday"))
    assert (text_parts("no"), list_parts(["a"])) == ([1739204639], [3904355907]), (
        "stores and weights live longer than a program"
    )
    assert text_parts("") == text_parts("?!") == []
    assert len(text_parts("word " * 1000)) == MAX_PARTS
    assert list_parts(["a b", None, "a b", "c"]) == list_parts(["a b", "c"])
