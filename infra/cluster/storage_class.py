"""The default storage class: encrypted gp3 that is made in the zone where its pod runs."""

import pulumi
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs
from pulumi_kubernetes.storage import v1 as storage

NAME = "gp3"
PARAMETERS = {"type": "gp3", "encrypted": "true", "csi.storage.k8s.io/fstype": "ext4"}
DEFAULT_ANNOTATION = "storageclass.kubernetes.io/is-default-class"


def default_storage_class(name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Makes the class; gives its name once it is there."""
    made = storage.StorageClass(
        name,
        metadata=ObjectMetaArgs(name=NAME, annotations={DEFAULT_ANNOTATION: "true"}),
        provisioner="ebs.csi.aws.com",
        parameters=PARAMETERS,
        reclaim_policy="Delete",
        volume_binding_mode="WaitForFirstConsumer",
        allow_volume_expansion=True,
        opts=opts,
    )
    return made.metadata.apply(lambda metadata: str(metadata.name))
