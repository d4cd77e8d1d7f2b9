"""YAML is read as Kubernetes reads it."""

from tests.cluster.manifests import documents


def test_dates_and_equals_signs_are_strings() -> None:
    [document] = documents("---\n---\nsince: 2024-01-01T01:01:01Z\nday: 2024-01-01\noperator: =\nnumber: 1\n")
    assert document == {"since": "2024-01-01T01:01:01Z", "day": "2024-01-01", "operator": "=", "number": 1}
