"""Capture: what a program declares arrives whole, runs do not touch each other, and failures keep their own words."""

import asyncio

import pulumi
import pytest
from pulumi_aws import s3

from infra.policies.judged import UNKNOWN
from stacks.capture.monitor import DuplicateResourceError, Fake, FakeRequest, UnknownTypeError
from stacks.capture.resource import creation_order
from stacks.capture.run import Capture, capture
from stacks.capture.values import Secret, Value

BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObject:BucketObject"


def _object(request: FakeRequest) -> dict[str, Value]:
    return {"id": "key", "etag": request.inputs["content"]}


def _bucket(request: FakeRequest) -> dict[str, Value]:
    return {"id": f"{request.name}-1a2b", "arn": f"arn:aws:s3:::{request.name}-1a2b"}


FAKES: dict[str, Fake] = {BUCKET: _bucket, OBJECT: _object}


class Store(pulumi.ComponentResource):
    """A component as infra writes them."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stillhouse:test:Store", name, None, opts)
        self.bucket = s3.Bucket(f"{name}-bucket", opts=pulumi.ResourceOptions(parent=self, protect=True))
        self.register_outputs({"arn": self.bucket.arn})


def _program() -> None:
    store = Store("store", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old-store")]))
    content = pulumi.Config().require_secret("password")
    written = s3.BucketObject(
        "object",
        bucket=store.bucket.arn,
        content=content,
        opts=pulumi.ResourceOptions(depends_on=[store], retain_on_delete=True),
    )
    pulumi.export("arn", store.bucket.arn)
    pulumi.export("etag", written.etag)


def _run(*, preview: bool) -> Capture:
    return capture(
        _program,
        config={"stillhouse:password": "hunter2"},
        secrets=frozenset({"stillhouse:password"}),
        preview=preview,
        fakes=FAKES,
    )


def test_options_parents_and_dependencies_arrive() -> None:
    run = _run(preview=False)
    store, bucket, written = run.one("stillhouse:test:Store"), run.one(BUCKET), run.one(OBJECT)
    assert bucket.parent == store.urn
    assert bucket.options.protect
    assert not written.options.protect
    assert written.options.retain_on_delete
    assert "old-store" in store.options.aliases
    assert bucket.urn in written.depends_on
    assert written.property_dependencies["bucket"] == {bucket.urn}
    assert store.registered_outputs == {"arn": "arn:aws:s3:::store-bucket-1a2b"}
    assert list(run.children(store.urn)) == [bucket]


def test_update_knows_outputs_and_keeps_secrets() -> None:
    run = _run(preview=False)
    assert run.outputs["arn"] == "arn:aws:s3:::store-bucket-1a2b"
    assert run.one(OBJECT).inputs["content"] == Secret("hunter2")
    assert "hunter2" not in repr(run.one(OBJECT).inputs)


def test_preview_leaves_computed_outputs_unknown() -> None:
    run = _run(preview=True)
    assert run.outputs["arn"] is UNKNOWN
    assert run.one(OBJECT).inputs["bucket"] is UNKNOWN
    assert run.one(OBJECT).inputs["content"] == Secret("hunter2")


def test_creation_order_puts_what_is_waited_for_first() -> None:
    run = _run(preview=False)
    names = [resource.name for resource in creation_order(reversed(run.resources))]
    assert names == ["store", "store-bucket", "object"]


def test_a_type_without_a_fake_is_an_error_that_names_it() -> None:
    with pytest.raises(UnknownTypeError, match=r"aws:sns/topic:Topic \(news\)"):
        capture(lambda: _topic("news"), fakes=FAKES)


def _topic(name: str) -> None:
    from pulumi_aws import sns

    sns.Topic(name)


def test_two_resources_with_one_urn_are_refused() -> None:
    def twice() -> None:
        s3.Bucket("same")
        s3.Bucket("same")

    with pytest.raises(DuplicateResourceError, match="same"):
        capture(twice, fakes=FAKES)


def test_the_programs_own_error_comes_through_and_the_next_run_is_clean() -> None:
    def broken() -> None:
        s3.Bucket("left")
        raise ValueError("tier is missing")

    with pytest.raises(ValueError, match="tier is missing"):
        capture(broken, fakes=FAKES)
    assert len(_run(preview=False).resources) == 3


def test_a_run_inside_a_running_loop_is_apart_from_it() -> None:
    async def inside() -> int:
        return len(_run(preview=False).resources)

    assert asyncio.run(inside()) == 3


def test_an_output_of_another_loop_does_not_hold_a_run_up() -> None:
    async def outside() -> None:
        pulumi.Output.from_input(asyncio.get_running_loop().create_future())
        assert len(_run(preview=False).resources) == 3

    asyncio.run(outside())


def test_provider_functions_are_answered() -> None:
    import pulumi_aws

    seen: list[object] = []

    def program() -> None:
        pulumi.export("account", pulumi_aws.get_caller_identity_output().account_id)

    def identity(request: FakeRequest) -> dict[str, Value]:
        seen.append(request.type)
        return {"accountId": "111122223333", "arn": "arn:aws:iam::111122223333:root", "userId": "x", "id": "x"}

    run = capture(program, fakes={"aws:index/getCallerIdentity:getCallerIdentity": identity})
    assert run.outputs["account"] == "111122223333"
    assert seen == ["aws:index/getCallerIdentity:getCallerIdentity"]
