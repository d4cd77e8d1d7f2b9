"""Which of a stack's values a chart does not know."""

from pathlib import Path
from typing import Any

import pytest

from tests.cluster.charts import unknown_values

VALUES = """
replicas: 1
image:
  tag: v1
  pullPolicy: Always
resources:
  requests: {cpu: 10m}
nodeSelector: {}
tolerations: []
inner:
  added: true
"""
TEMPLATE = """
tag: {{ .Values.image.tag }}
resources: {{- toYaml .Values.resources | nindent 2 }}
{{- if .Values.hidden.deep }}
{{- end }}
ini: {{ index .Values "app.ini" }}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    (tmp_path / "values.yaml").write_text(VALUES)
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "all.yaml").write_text(TEMPLATE)
    inner = tmp_path / "charts/inner"
    inner.mkdir(parents=True)
    (inner / "values.yaml").write_text("port: 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        ({}, []),
        ({"replicas": 2, "image": {"tag": "v2"}}, []),
        ({"replica": 2}, ["replica"]),
        ({"image": {"tog": "v2", "tag": "v2"}}, ["image.tog"]),
        # Written out as it is: the API server judges what is in it.
        ({"resources": {"limits": {"memory": "1Gi"}}}, []),
        ({"nodeSelector": {"a": "b"}, "tolerations": [{"key": "a"}]}, []),
        # Only a template knows it.
        ({"hidden": {"deep": True}}, []),
        ({"app.ini": {"users": {"any": 1}}}, []),
        ({"inner": {"port": 2, "added": False}}, []),
        ({"inner": {"part": 2}}, ["inner.part"]),
    ],
)
def test_unknown_values_are_named(chart: Path, values: dict[str, Any], unknown: list[str]) -> None:
    assert unknown_values(values, chart) == unknown


def test_istios_defaults_lie_one_level_down(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("_internal_defaults_do_not_set:\n  pilot:\n    traceSampling: 1\n")
    assert unknown_values({"pilot": {"traceSampling": 2}, "pylot": {}}, tmp_path) == ["pylot"]
