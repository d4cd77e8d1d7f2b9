"""The pack, run as the engine runs it, says what the pure rules say."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as wire
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from infra.policies.catalogue import RULES, review
from infra.policies.engine import WAITS, plain
from infra.policies.judged import UNKNOWN, Judged
from infra.policies.rule import Level, ResourceRule
from tests.infra.policies import estate
from tests.infra.policies.cases import BROKEN
from tests.infra.policies.changes import put
from tests.infra.policies.estate import ESTATE

PACK = Path(__file__).parents[3] / "infra" / "policies" / "pack"
BY_NAME = {rule.name: rule for rule in RULES}
Violations = set[tuple[str, str]]


@pytest.fixture(scope="module")
def analyzer() -> Iterator[AnalyzerStub]:
    """The pack's own process, found as the engine finds it: by the port that it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "__main__.py"]
    with subprocess.Popen(command, cwd=PACK, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield AnalyzerStub(channel)
        finally:
            process.kill()


def _wire(value: Any) -> Any:
    """Inputs as the engine sends them: unknown ones by its sign."""
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, Mapping):
        return {key: _wire(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_wire(inner) for inner in value]
    return value


def _struct(inputs: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(_wire(inputs))
    return struct


def _ask(analyzer: AnalyzerStub, stack: Sequence[Judged], one_by_one: Sequence[Judged]) -> tuple[Violations, set[str]]:
    """(rule, message) of every violation, and the rules that had to wait, as the engine would hear them."""
    answers = [analyzer.Analyze(_request(one)) for one in one_by_one]
    answers.append(analyzer.AnalyzeStack(wire.AnalyzeStackRequest(resources=[_of_stack(one) for one in stack])))
    violations = {(told.policyName, told.message.splitlines()[-1]) for answer in answers for told in answer.diagnostics}
    skipped = [skipped for answer in answers for skipped in answer.not_applicable]
    return violations, {one.policy_name for one in skipped if one.reason == WAITS}


def _request(one: Judged) -> wire.AnalyzeRequest:
    options = wire.AnalyzerResourceOptions(protect=one.options.protect, parent=one.options.parent or "")
    return wire.AnalyzeRequest(
        type=one.type, name=one.name, urn=one.urn, properties=_struct(one.inputs), options=options
    )


def _of_stack(one: Judged) -> wire.AnalyzerResource:
    return wire.AnalyzerResource(
        type=one.type,
        name=one.name,
        urn=one.urn,
        properties=_struct(one.inputs),
        options=wire.AnalyzerResourceOptions(protect=one.options.protect),
        dependencies=one.options.depends_on,
    )


def _pure(resources: Sequence[Judged]) -> Violations:
    return {(finding.rule, finding.message) for finding in review(resources).findings}


def test_the_pack_tells_every_rule_with_its_level(analyzer: AnalyzerStub) -> None:
    told = {policy.name: policy for policy in analyzer.GetAnalyzerInfo(empty_pb2.Empty()).policies}
    levels = {Level.ADVISORY: wire.ADVISORY, Level.MANDATORY: wire.MANDATORY}
    kinds = {True: wire.POLICY_TYPE_RESOURCE, False: wire.POLICY_TYPE_STACK}
    assert {name: policy.enforcementLevel for name, policy in told.items()} == {
        rule.name: levels[rule.level] for rule in RULES
    }
    assert {name: policy.policy_type for name, policy in told.items()} == {
        rule.name: kinds[isinstance(rule, ResourceRule)] for rule in RULES
    }
    assert all(rule.sentence in told[rule.name].description for rule in RULES)


def test_the_good_stack_passes_the_pack(analyzer: AnalyzerStub) -> None:
    assert _ask(analyzer, ESTATE, ESTATE) == (set(), set())


@pytest.mark.parametrize("name", BROKEN)
def test_the_pack_agrees_with_the_rules(analyzer: AnalyzerStub, name: str) -> None:
    changed = BROKEN[name][0](ESTATE)
    alone = isinstance(BY_NAME[name], ResourceRule)
    violations, _ = _ask(analyzer, () if alone else changed, [one for one in changed if one not in ESTATE])
    of_stack = {rule.name for rule in RULES if not isinstance(rule, ResourceRule)}
    assert violations == {(rule, words) for rule, words in _pure(changed) if not (alone and rule in of_stack)}
    assert name in {rule for rule, _ in violations}


def test_an_unknown_input_makes_the_rule_wait(analyzer: AnalyzerStub) -> None:
    changed = put(estate.KEY, ("enableKeyRotation",), UNKNOWN)(ESTATE)
    key = next(one for one in changed if one.urn == estate.KEY.urn)
    assert _ask(analyzer, changed, [key]) == (set(), {"keys-rotate"})


def test_the_engines_proxies_become_plain_values() -> None:
    inputs = {"a": [1, {"b": UNKNOWN_STRING_VALUE}], "c": UNKNOWN_STRING_VALUE, "d": "text"}
    assert plain(unknown_checking_proxy(inputs)) == {"a": [1, {"b": UNKNOWN}], "c": UNKNOWN, "d": "text"}


def test_the_pack_has_the_project_file_that_the_engine_looks_for() -> None:
    project = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert project["runtime"]["name"] == "python"
    assert (PACK / project["runtime"]["options"]["virtualenv"]).resolve() == Path(__file__).parents[3] / ".venv"
