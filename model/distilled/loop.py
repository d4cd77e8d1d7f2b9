"""The training loop of the distilled model: inputs, labels and the teacher's logits -> weights.

Legend: B rows of a batch, R all rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from model.checkpoint import Checkpoint, restore, state_of
from model.distilled.network import DistilledModel
from model.distilled.rows import InputBatches
from model.errors import UserError
from model.progress import Progress
from model.query.bound import TrainableTask
from model.served.inputs import Float, Inputs, Int
from model.task_loss import label_loss, teacher_loss

_SCORE_BATCH = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopSettings:
    """How the weights are found."""

    epochs: int = 4
    batch_rows: int = 256
    learning_rate: float = 3e-3
    """At the peak, after the warm-up."""
    warm_up_share: float = 0.1
    """Of all steps, in which the rate grows linearly; a cosine brings it to zero after them."""
    weight_decay: float = 0.01
    embedding_dropout: float = 0.15
    """Share of rows whose embedding is hidden in training: new customers have none."""
    interaction_dropout: float = 0.1
    """Share of rows whose interactions are all hidden in training, whatever becomes of the embedding: an application
    that sends none must still get a calibrated answer."""
    teacher_weight: float = 1.0
    """Of the loss against the teacher's score, beside 1 for the label's; 0 trains on labels alone."""
    seed: int = 7

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_rows"):
            if getattr(self, name) < 1:
                raise UserError(f"`{name}` must be at least 1 (got {getattr(self, name)})")
        for name in ("warm_up_share", "embedding_dropout", "interaction_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"`{name}` must be in [0, 1) (got {getattr(self, name)})")
        if not self.learning_rate > 0 or self.teacher_weight < 0:
            raise UserError(
                "`learning_rate` must be above 0 and `teacher_weight` at least 0 "
                f"(got {self.learning_rate} and {self.teacher_weight})"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """What the loop learns from."""

    inputs: Inputs
    target_R: Float  # noqa: N815
    """[R] or [R, K] as `TaskHead.target` gives them."""
    teacher_R: Float  # noqa: N815
    """[R] or [R, K]: the teacher's logits, or its standardised values."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: this network is so small that more wait longer than they work, above all where the
    cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def train(
    model: DistilledModel,
    train_examples: Examples,
    validation: Examples,
    task: TrainableTask,
    settings: LoopSettings,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
) -> list[float]:
    """Fit the model and leave it with the weights of the best epoch; the validation loss on labels of each epoch.

    Goes on from the checkpoint where there is one.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    batches = InputBatches(train_examples.inputs)
    num_rows = len(train_examples.target_R)
    num_steps = settings.epochs * -(-num_rows // settings.batch_rows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate(num_steps, settings.warm_up_share))
    losses: list[float] = []
    best = {name: value.clone() for name, value in model.state_dict().items()}
    step = begun = 0
    order = rng.permutation(num_rows)
    parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "schedule": schedule}
    if checkpoint is not None and (saved := checkpoint.resume()) is not None:
        restore(saved["training"], **parts)
        step, losses, best = saved["step"], saved["losses"], saved["best"]
        order, begun = saved["order"].numpy(), saved["begun"]
        rng.bit_generator.state = saved["numpy_random"]
    for _ in range(len(losses), settings.epochs):
        for start in range(begun, num_rows, settings.batch_rows):
            model.train()
            index_B = order[start : start + settings.batch_rows]
            no_embedding_B = rng.random(len(index_B)) < settings.embedding_dropout
            no_history_B = rng.random(len(index_B)) < settings.interaction_dropout
            inputs = batches.take(index_B, no_embedding_B, no_history_B)
            loss = _loss(model(inputs), train_examples, index_B, task, settings.teacher_weight)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            progress(step, num_steps)
            if checkpoint is not None and checkpoint.due():
                checkpoint.write(
                    {
                        "step": step,
                        "losses": losses,
                        "best": best,
                        "order": torch.from_numpy(order),
                        "begun": start + settings.batch_rows,
                        "numpy_random": rng.bit_generator.state,
                        "training": state_of(**parts),
                    }
                )
        logit_R = torch.from_numpy(predict(model, validation.inputs))
        losses.append(float(label_loss(task, logit_R, torch.from_numpy(validation.target_R))))
        # Not a number where no class of a validation row is known: then the last epoch is as good as any.
        if not losses[-1] > min(losses):
            best = {name: value.clone() for name, value in model.state_dict().items()}
        order, begun = rng.permutation(num_rows), 0
    model.load_state_dict(best)
    model.eval()
    return losses


@one_thread()
def predict(model: DistilledModel, inputs: Inputs) -> Float:
    """[R] or [R, K] logits, or standardised values; deterministic."""
    model.eval()
    batches = InputBatches(inputs)
    parts = [np.zeros((0, *model.output), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(inputs), _SCORE_BATCH):
            index_B: Int = np.arange(start, min(start + _SCORE_BATCH, len(inputs)))
            parts.append(model(batches.take(index_B)).numpy())
    logits: npt.NDArray[np.float32] = np.concatenate(parts)
    return logits


def _loss(logit_B: Tensor, examples: Examples, index_B: Int, task: TrainableTask, teacher_weight: float) -> Tensor:
    loss = label_loss(task, logit_B, torch.from_numpy(examples.target_R[index_B]))
    if teacher_weight == 0:
        return loss
    return loss + teacher_weight * teacher_loss(task, logit_B, torch.from_numpy(examples.teacher_R[index_B]))


def _rate(num_steps: int, warm_up_share: float) -> Callable[[int], float]:
    warm_up = max(1, int(num_steps * warm_up_share))

    def rate(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + float(np.cos(np.pi * (step - warm_up) / max(1, num_steps - warm_up))))

    return rate
