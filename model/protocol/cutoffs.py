"""The cut-offs of a protocol, by RelBench's rule: evaluation goes forward from its first, training back from it."""

from model.errors import UserError
from model.labels.plan import TrainingPlan
from model.protocol.protocol import Protocol, nanoseconds
from model.query.bound import DAY_NS, BoundQuery


def plan_cutoffs(protocol: Protocol, bound: BoundQuery, first_ns: int, last_ns: int) -> TrainingPlan:
    """Every cut-off whose label window is over before the next split begins, or before the last row.

    Args:
        protocol: says the first cut-offs and the steps.
        bound: says the horizon.
        first_ns: of the tables' rows.
        last_ns: of the tables' rows.

    Raises:
        UserError: the target has no window, or a split is left without a cut-off.
    """
    if bound.is_static:
        raise UserError("a protocol asks for what happens in a window", hint="PREDICT COUNT(..., 0, 30, days) ...")
    horizon_ns = bound.horizon_ns
    step_ns = _step_ns(protocol.step_days, horizon_ns)
    validation_ns, test_ns = nanoseconds(protocol.validation), nanoseconds(protocol.test)
    training = protocol.training
    start_ns = first_ns + (bound.look_back_ns or horizon_ns) if training.first is None else nanoseconds(training.first)
    back = range(validation_ns - horizon_ns, start_ns - 1, -_step_ns(training.step_days, step_ns))
    found = {
        "training": tuple(sorted(back)),
        "validation": _forward(validation_ns, step_ns, protocol.windows, test_ns - horizon_ns),
        "test": _forward(test_ns, step_ns, protocol.windows, last_ns - horizon_ns),
    }
    for name, cutoffs in found.items():
        if not cutoffs:
            raise UserError(
                f"`{protocol.name}` has no {name} cut-off: a label window of {horizon_ns / DAY_NS:g} days does not fit",
                hint="move `validation`, `test` or `training.first`, or shorten the query's window",
            )
    return TrainingPlan(
        training_ns=found["training"],
        validation_ns=found["validation"],
        test_ns=found["test"],
        max_training_rows=training.max_rows,
    )


def _forward(first_ns: int, step_ns: int, most: int, last_ns: int) -> tuple[int, ...]:
    return tuple(at for at in range(first_ns, first_ns + most * step_ns, step_ns) if at <= last_ns)


def _step_ns(days: float | None, otherwise_ns: int) -> int:
    return otherwise_ns if days is None else int(days * DAY_NS)
