"""The dashboards that Grafana shows: every JSON file of the folder `dashboards/rendered`; none is fine."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "dashboards" / "rendered"


def dashboards(folder: Path = FOLDER) -> dict[str, str]:
    """File name -> JSON text, in the order of names."""
    return {path.name: path.read_text() for path in sorted(folder.glob("*.json"))}
