from infra.nodes.interruptions import EVENTS, Interruptions, InterruptionsArgs
from tests.infra.aws import ACCOUNT, document, is_component_tree, run, statements


def test_every_kind_of_warning_reaches_the_queue() -> None:
    captured = run(lambda: Interruptions("warn", InterruptionsArgs(account=ACCOUNT, cluster_name="prod")))
    is_component_tree(captured, "stillhouse:nodes:Interruptions")
    queue = captured.one("aws:sqs/queue:Queue")
    assert (queue.inputs["name"], queue.inputs["sqsManagedSseEnabled"]) == ("prod", True)
    rules = {rule.outputs["name"]: rule for rule in captured.of_type("aws:cloudwatch/eventRule:EventRule")}
    patterns = [document(rule, "eventPattern") for rule in rules.values()]
    assert sorted(str(pattern["detail-type"][0]) for pattern in patterns) == sorted(text for _, text in EVENTS.values())
    targets = captured.of_type("aws:cloudwatch/eventTarget:EventTarget")
    assert {target.inputs["rule"] for target in targets} == set(rules)
    assert {target.inputs["arn"] for target in targets} == {queue.outputs["arn"]}


def test_only_events_of_our_account_arrive_and_only_by_tls() -> None:
    captured = run(lambda: Interruptions("warn", InterruptionsArgs(account=ACCOUNT, cluster_name="prod")))
    rules = statements(captured.one("aws:sqs/queuePolicy:QueuePolicy"))
    assert rules["EventsSend"]["Principal"] == {"Service": ["events.amazonaws.com"]}
    assert rules["EventsSend"]["Condition"] == {"StringEquals": {"aws:SourceAccount": ["123456789012"]}}
    assert rules["OnlyTls"]["Effect"] == "Deny"
