"""The pod that conducts one endpoint: what it is told, how git finds the token, and how the kubelet sees it live."""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes.core import v1 as core

from infra.pods import Resources

ACCOUNT = "conductor"
TOKEN_SECRET = "git-token"  # noqa: S105
TOKEN_KEY = "token"  # noqa: S105
USER = 65532
WORK = "/work"
"""The only place that it can write to."""
CLONE = f"{WORK}/clone"
BEAT = f"{WORK}/beat"
"""Touched after each pass, four a minute at the default scrape."""
RESOURCES = Resources(cpu_millicores=50, memory_mib=256)
_TOKEN_FOLDER = "/var/run/git"  # noqa: S105
_SILENT_MINUTES = 5
"""Without a pass; git and Prometheus give up long before that."""
# Read anew each time, so that a new token needs no new pod, and is in no argument or variable.
# In backticks, since Kubernetes would look for a variable of its own in $(...).
_HELPER = f'!f() {{ echo username=x-access-token; echo "password=`cat {_TOKEN_FOLDER}/{TOKEN_KEY}`"; }}; f'
_GIT = {
    "credential.helper": _HELPER,
    # A connection that stalls is no reason to wait for ever.
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
}


def pod_spec(*, image: str, arguments: Sequence[pulumi.Input[str]]) -> core.PodSpecArgs:
    """A pod that may do nothing in the cluster.

    Args:
        image: by digest; its entry point is `stillhouse`, and it has git.
        arguments: of `stillhouse`.
    """
    return core.PodSpecArgs(
        service_account_name=ACCOUNT,
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=USER,
            run_as_group=USER,
            fs_group=USER,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        containers=[_container(image, arguments)],
        volumes=[
            core.VolumeArgs(name="work", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit="4Gi")),
            core.VolumeArgs(
                name="token", secret=core.SecretVolumeSourceArgs(secret_name=TOKEN_SECRET, default_mode=0o440)
            ),
        ],
    )


def _container(image: str, arguments: Sequence[pulumi.Input[str]]) -> core.ContainerArgs:
    asked = core.ExecActionArgs(command=beats())
    asked_each_minute = core.ProbeArgs(exec_=asked, timeout_seconds=5, period_seconds=60, failure_threshold=2)
    return core.ContainerArgs(
        name="conductor",
        image=image,
        image_pull_policy="IfNotPresent",
        args=list(arguments),
        env=[core.EnvVarArgs(name=name, value=value) for name, value in environment().items()],
        resources=_resources(),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
            read_only_root_filesystem=True,
        ),
        volume_mounts=[
            core.VolumeMountArgs(name="work", mount_path=WORK),
            core.VolumeMountArgs(name="token", mount_path=_TOKEN_FOLDER, read_only=True),
        ],
        # Ten minutes for the clone; later, a conductor that hangs begins anew, which it may at any moment.
        startup_probe=core.ProbeArgs(exec_=asked, timeout_seconds=5, period_seconds=5, failure_threshold=120),
        readiness_probe=asked_each_minute,
        liveness_probe=asked_each_minute,
    )


def _resources() -> core.ResourceRequirementsArgs:
    """With a limit of CPU, unlike a model's pod: nobody waits for its answer."""
    values = RESOURCES.values()
    return core.ResourceRequirementsArgs(requests=values["requests"], limits={**values["limits"], "cpu": "1"})


def environment() -> dict[str, str]:
    """What the process is told: who it is for git, and where it may write."""
    author = {f"GIT_{role}_NAME": "stillhouse conductor" for role in ("AUTHOR", "COMMITTER")}
    mails = {f"GIT_{role}_EMAIL": "conductor@stillhouse.invalid" for role in ("AUTHOR", "COMMITTER")}
    numbered = dict(enumerate(_GIT.items()))
    keys = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in numbered.items()}
    values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered.items()}
    return {
        "HOME": WORK,
        "TMPDIR": WORK,
        "PYTHONDONTWRITEBYTECODE": "1",
        # Small sums get slower with threads.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **author,
        **mails,
        # Whoever asks for a password waits for ever where nobody types.
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(_GIT)),
        **keys,
        **values,
    }


def beats() -> list[str]:
    """The question whether there was a pass lately."""
    return ["sh", "-c", f'test -n "$(find {BEAT} -mmin -{_SILENT_MINUTES} 2>/dev/null)"']
