"""Plans -> artifacts, as the command line writes them.

trainer = Trainer(plan, run)
trainer.fit(store, table)
trainer.predict(store, cutoff_ns, output_types={"predictions", "embeddings"})
DistillationTrainer(suggest_distilled_model_plan(store, table, trainer.path), trainer.path, run).fit(store, table)
"""

from collections.abc import Collection
from pathlib import Path
from typing import Literal, get_args

from model.artifact import Artifact, read_artifact
from model.checkpoint import Checkpoints
from model.deep.embed import embed
from model.deep.train import TrainSettings, train_deep
from model.distilled.distill import distill
from model.errors import UserError
from model.labels.training_table import TrainingTable
from model.plans.plan import DistilledModelPlan, ModelPlan
from model.predictions import AnyKeys, predict
from model.progress import Progress, silent
from model.query.bound import trainable
from model.ranking.train import RankSettings, train_ranking
from model.run_folder import RunFolder
from model.store.store import GraphStore

OutputType = Literal["predictions", "embeddings"]


class Trainer:
    """Trains what a plan says, in a run's folder."""

    def __init__(self, plan: ModelPlan, run: Path) -> None:
        self.plan = plan
        self._folder = RunFolder(run)

    @property
    def path(self) -> Path:
        """Of the artifact: `deep`, or `ranking` for a link query."""
        return self._folder.ranking if self.plan.task == "link" else self._folder.deep

    def fit(
        self,
        store: GraphStore,
        table: TrainingTable,
        progress: Progress = silent,
        *,
        table_digest: str = "",
        checkpoints: Checkpoints | None = None,
    ) -> Artifact:
        """Train on the table's rows; one that was killed goes on where it was."""
        settings = self.plan.settings
        if isinstance(settings, RankSettings):
            assert self.plan.ranked is not None, "a link plan says what it ranks"
            return train_ranking(
                store, table, self.plan.ranked, self.path, settings, progress,
                table_digest=table_digest, checkpoints=checkpoints,
            )  # fmt: skip
        assert isinstance(settings, TrainSettings)
        return train_deep(
            store, table, trainable(self.plan.task), self.path, settings, progress,
            table_digest=table_digest, checkpoints=checkpoints,
        )  # fmt: skip

    def predict(
        self,
        store: GraphStore,
        cutoff_ns: int,
        *,
        output_types: Collection[OutputType] = frozenset({"predictions"}),
        keys: AnyKeys | None = None,
        progress: Progress = silent,
    ) -> dict[OutputType, Artifact]:
        """Answers for, and embeddings of, the entities that exist at a cut-off: artifacts of the run.

        Raises:
            UserError: no model yet, an unknown output, or no entity.
        """
        if strangers := set(output_types) - set(get_args(OutputType)):
            raise UserError(
                f"no such output (got {', '.join(sorted(strangers))})", hint=f"of {', '.join(get_args(OutputType))}"
            )
        made: dict[OutputType, Artifact] = {}
        if "predictions" in output_types:
            made["predictions"] = predict(store, self.path, cutoff_ns, self._folder.predictions, keys, progress)
        if "embeddings" in output_types:
            made["embeddings"] = embed(store, self.path, cutoff_ns, self._folder.embeddings(), progress, keys)
        return made


class DistillationTrainer:
    """Distils a deep model as a plan says, in a run's folder."""

    def __init__(self, plan: DistilledModelPlan, base: Path, run: Path, name: str = "distilled") -> None:
        """Bind plan and teacher.

        Raises:
            UserError: the plan was made for another deep model.
        """
        if (found := read_artifact(base, kind="deep").digest) != plan.base:
            raise UserError(
                f"the plan is for the deep model {plan.base[:19]} (`{base}` holds {found[:19]})",
                hint="suggest a plan for this model",
            )
        self.plan = plan
        self.base = base
        self.path = RunFolder(run).distilled(name)

    def fit(
        self,
        store: GraphStore,
        table: TrainingTable,
        progress: Progress = silent,
        *,
        table_digest: str = "",
        checkpoints: Checkpoints | None = None,
    ) -> Artifact:
        """Distil over the table's rows; one that was killed goes on where it was."""
        return distill(
            store, table, self.base, self.path, self.plan.settings, progress,
            table_digest=table_digest, checkpoints=checkpoints,
        )  # fmt: skip
