from infra.nodes.node_role import NodeRole
from tests.infra.aws import ACCOUNT, is_component_tree, run, statements


def test_nodes_join_and_pull_and_nothing_more() -> None:
    captured = run(lambda: NodeRole("n", ACCOUNT, tags={}))
    is_component_tree(captured, "stillhouse:nodes:NodeRole")
    attached = captured.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    names = {str(attachment.inputs["policyArn"]).rpartition("/")[2] for attachment in attached}
    assert names == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
    (trust,) = statements(captured.one("aws:iam/role:Role"), "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": ["ec2.amazonaws.com"]}
