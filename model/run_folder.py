"""Where the artifacts of one run lie: every verb finds its inputs and puts its output below `--run`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names of the artifact folders below `root`."""

    root: Path

    @property
    def tables(self) -> Path:
        """Generated tables (a user's own may lie anywhere)."""
        return self.root / "tables"

    @property
    def graph(self) -> Path:
        """Tables as memory-mapped arrays, and their links."""
        return self.root / "graph"

    @property
    def training_table(self) -> Path:
        """Labelled rows."""
        return self.root / "training_table"

    @property
    def deep(self) -> Path:
        """The deep model."""
        return self.root / "deep"

    @property
    def ranking(self) -> Path:
        """The model of a link query."""
        return self.root / "ranking"

    @property
    def predictions(self) -> Path:
        """A batch of answers."""
        return self.root / "predictions"

    def embeddings(self, name: str = "embeddings") -> Path:
        """A batch of embeddings."""
        return self.root / name

    def distilled(self, name: str = "distilled") -> Path:
        """A distilled model."""
        return self.root / name

    def repository(self, version: str) -> Path:
        """The exported Triton repository of one version."""
        return self.root / "repositories" / version

    @property
    def evaluation(self) -> Path:
        """Scores of the test rows by every model."""
        return self.root / "evaluation"

    def protocol(self, name: str) -> Path:
        """All that a protocol made: tables, models, scores, result."""
        return self.root / "protocols" / name

    @property
    def releases(self) -> Path:
        """A git repository of release files, where the checkout's own is not meant."""
        return self.root / "releases"

    @property
    def twin(self) -> Path:
        """State, certificates, logs and generated configuration of the twin."""
        return self.root / "twin"
