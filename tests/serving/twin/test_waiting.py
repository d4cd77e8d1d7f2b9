"""Waiting ends with the condition or the deadline; what must not stop midway does not."""

import asyncio

import pytest

from serving.twin.waiting import uninterrupted, until


def test_until_gives_the_first_answer_and_names_what_never_came() -> None:
    answers = iter([None, False, 0, 7])

    async def soon() -> int | bool | None:
        return next(answers)

    async def never() -> None:
        return None

    assert asyncio.run(until(soon, within_s=60, what="an answer")) == 0
    with pytest.raises(TimeoutError, match=r"the impossible did not come true within 0\.05 s"):
        asyncio.run(until(never, within_s=0.05, what="the impossible"))


def test_a_cancelled_caller_waits_for_the_end_of_the_work() -> None:
    async def scenario() -> list[str]:
        begun, steps = asyncio.Event(), list[str]()

        async def work() -> None:
            begun.set()
            await asyncio.sleep(0.05)
            steps.append("done")

        caller = asyncio.create_task(uninterrupted(work()))
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        return steps

    assert asyncio.run(scenario()) == ["done"]
