"""Rules about pods and their containers, wherever a pod spec lies."""

from typing import Final

from infra.policies.judged import UNKNOWN, Judged, Value, at, either, items
from infra.policies.pod_views import CONTAINERS, PODS, RUNTIMES, SERVICE, Container, containers, namespace, pod_spec
from infra.policies.rule import Complaints, Level, expect, expect_is, holds, resource_rule, shown

PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
NAMESPACED: Final = (
    *PODS,
    *RUNTIMES[:1],
    "core:Service",
    "core:ServiceAccount",
    "core:ConfigMap",
    "core:Secret",
    "core:PersistentVolumeClaim",
    "helm.sh:Release",
    "helm.sh:Chart",
)


def _security(container: Container, field: str, wanted: Value) -> Complaints:
    """The field of the security context has to be the wanted one; half a container may leave it to the other half."""
    value = container.security(field)
    if value is None and not container.whole:
        return
    yield from expect_is(value, wanted, f"{container.label}: securityContext.{field}")


@resource_rule(of=CONTAINERS, row=26, sources=("Triton deployment guide 3", "CKV_K8S_23", "CKV_K8S_40", "C-0013"))
def containers_run_as_a_user(resource: Judged) -> Complaints:
    """Containers run as a numbered user other than root."""
    for container in containers(resource):
        yield from _security(container, "runAsNonRoot", True)
        user = container.security("runAsUser")
        if user is not None or container.whole:
            numbered = holds(user, lambda value: value is not None and float(value) >= 1000)
            yield from expect(numbered, f"{container.label}: runAsUser must be 1000 or above (got {shown(user)})")


@resource_rule(of=CONTAINERS, row=27, sources=("CKV_K8S_20", "CKV_K8S_16", "C-0016", "C-0057", "PSS restricted"))
def containers_gain_no_privilege(resource: Judged) -> Complaints:
    """Containers are not privileged and cannot become so."""
    for container in containers(resource):
        yield from _security(container, "allowPrivilegeEscalation", False)
        privileged = holds(container.security("privileged"), lambda value: not value)
        yield from expect(privileged, f"{container.label}: securityContext.privileged is true")


@resource_rule(of=CONTAINERS, row=27, sources=("CKV_K8S_28", "CKV_K8S_37", "C-0046", "PSS restricted"))
def containers_drop_all_capabilities(resource: Judged) -> Complaints:
    """Containers drop all capabilities and add none."""
    for container in containers(resource):
        capabilities = at(container.spec, "securityContext", "capabilities")
        if capabilities is None and not container.whole:
            continue
        dropped = holds(at(capabilities, "drop"), lambda value: "ALL" in (value or ()))
        yield from expect(dropped, f"{container.label}: securityContext.capabilities.drop must hold ALL")
        added = holds(at(capabilities, "add"), lambda value: not value)
        yield from expect(added, f"{container.label}: securityContext.capabilities.add must be left out")


@resource_rule(of=CONTAINERS, row=28, sources=("CKV_K8S_31", "PSS restricted"))
def system_calls_are_filtered(resource: Judged) -> Complaints:
    """Containers run under the default filter of system calls, which KServe's own Triton runtime leaves out."""
    for container in containers(resource):
        profile = container.security("seccompProfile")
        if profile is None and not container.whole:
            continue
        filtered = holds(at(profile, "type"), lambda value: value in ("RuntimeDefault", "Localhost"))
        yield from expect(filtered, f"{container.label}: securityContext.seccompProfile.type must be RuntimeDefault")


@resource_rule(of=CONTAINERS, row=29, sources=("CKV_K8S_22", "C-0017"))
def root_file_systems_are_read_only(resource: Judged) -> Complaints:
    """The root file system is read-only; what is written goes to volumes."""
    for container in containers(resource):
        yield from _security(container, "readOnlyRootFilesystem", True)


@resource_rule(of=CONTAINERS, row=29, sources=("EKS guide: pods",))
def memory_volumes_are_bounded(resource: Judged) -> Complaints:
    """A volume in memory (/dev/shm) has a size limit, or it can take the node's memory."""
    for volume in items(at(pod_spec(resource), "volumes")):
        in_memory = holds(at(volume, "emptyDir", "medium"), lambda value: value == "Memory")
        if in_memory is UNKNOWN:
            yield UNKNOWN
        elif in_memory:
            limit = holds(at(volume, "emptyDir", "sizeLimit"), bool)
            yield from expect(limit, f"volume {shown(at(volume, 'name'))}: emptyDir in memory needs a sizeLimit")


@resource_rule(of=PODS, row=30, sources=("CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19", "C-0038", "C-0041"))
def pods_stay_out_of_the_host(resource: Judged) -> Complaints:
    """Pods share no network, processes or memory with their node."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        apart = holds(at(pod_spec(resource), field), lambda value: not value)
        yield from expect(apart, f"{field} is true")


@resource_rule(of=(*PODS, *RUNTIMES), row=30, sources=("CKV_K8S_26", "C-0044", "C-0048"))
def pods_mount_nothing_of_the_host(resource: Judged) -> Complaints:
    """Pods mount no path of their node and take none of its ports."""
    for volume in items(at(pod_spec(resource), "volumes")):
        apart = holds(at(volume, "hostPath"), lambda value: value is None)
        yield from expect(apart, f"volume {shown(at(volume, 'name'))} is a hostPath")
    for container in containers(resource):
        for port in items(at(container.spec, "ports")):
            free = holds(at(port, "hostPort"), lambda value: not value)
            yield from expect(free, f"{container.label}: hostPort {shown(at(port, 'hostPort'))} must be left out")


@resource_rule(of=PODS, row=31, sources=("CKV_K8S_10", "CKV_K8S_12", "CKV_K8S_13", "C-0270", "C-0271"))
def containers_state_their_resources(resource: Judged) -> Complaints:
    """Containers ask for CPU and memory and have a limit of memory; idle cores stay usable."""
    for container in containers(resource):
        for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            stated = holds(at(container.spec, "resources", kind, name), bool)
            yield from expect(stated, f"{container.label}: resources.{kind}.{name} is missing")


@resource_rule(of=CONTAINERS, row=31, sources=("CKV_K8S_8", "CKV_K8S_9", "C-0018", "C-0056"))
def containers_are_probed(resource: Judged) -> Complaints:
    """Serving containers have a startup, a readiness and a liveness probe."""
    if resource.kind in ("batch:Job", "batch:CronJob"):
        return
    for container in containers(resource):
        for probe in PROBES if container.whole and not container.starts_once else ():
            yield from expect(holds(at(container.spec, probe), bool), f"{container.label}: {probe} is missing")


@resource_rule(of=PODS, row=32, sources=("CIS EKS 4.1.5", "CKV_K8S_41", "CKV_K8S_42", "C-0034"))
def pods_have_an_account_of_their_own(resource: Judged) -> Complaints:
    """Pods run under a service account of their own, never the namespace's default."""
    account = at(pod_spec(resource), "serviceAccountName")
    own = holds(account, lambda value: value not in (None, "", "default"))
    yield from expect(own, f"serviceAccountName must name an account (got {shown(account)})")


@resource_rule(of=PODS, row=32, sources=("CIS EKS 4.1.6", "CKV_K8S_38", "C-0034"))
def pods_carry_no_api_token(resource: Judged) -> Complaints:
    """Pods get no token for the Kubernetes API; the token for AWS is mounted apart and is not concerned."""
    token = at(pod_spec(resource), "automountServiceAccountToken")
    yield from expect_is(token, False, "automountServiceAccountToken")


@resource_rule(of=NAMESPACED, row=33, sources=("CIS EKS 4.5.2", "CKV_K8S_21", "C-0061"))
def nothing_lives_in_default(resource: Judged) -> Complaints:
    """Nothing lives in the namespace `default`."""
    place = at(resource.inputs, "namespace") if resource.kind.startswith("helm.sh") else namespace(resource)
    elsewhere = holds(place, lambda value: value not in (None, "", "default"))
    yield from expect(elsewhere, f"the namespace must be named and not `default` (got {shown(place)})")


@resource_rule(of=PODS, row=33, sources=("EKS guide: pods",))
def services_are_found_by_name_only(resource: Judged) -> Complaints:
    """Pods do not get every service of the namespace as environment variables."""
    yield from expect_is(at(pod_spec(resource), "enableServiceLinks"), False, "enableServiceLinks")


@resource_rule(of=(SERVICE, "apps:Deployment", "apps:StatefulSet"), row=34, sources=("EKS guide: reliability",))
def replicas_are_spread(resource: Judged) -> Complaints:
    """Where there may be more than one replica they are spread over zones."""
    spec = pod_spec(resource)
    most = at(spec, "maxReplicas") if resource.kind == SERVICE else at(resource.inputs, "spec", "replicas")
    single = holds(most, lambda value: value is not None and float(value) <= 1)
    keys = [at(constraint, "topologyKey") for constraint in items(at(spec, "topologySpreadConstraints"))]
    over_zones = either(holds(key, lambda value: value == "topology.kubernetes.io/zone") for key in keys)
    yield from expect(either((single, over_zones)), "topologySpreadConstraints must name topology.kubernetes.io/zone")


@resource_rule(of=CONTAINERS, row=None, sources=("CKV_K8S_35", "NSA: credentials"), level=Level.ADVISORY)
def secrets_are_no_plain_variables(resource: Judged) -> Complaints:
    """No variable whose name speaks of a secret has its value in the manifest."""
    for container in containers(resource):
        for variable in items(at(container.spec, "env")):
            name, value = at(variable, "name"), at(variable, "value")
            if name is UNKNOWN or value is UNKNOWN:
                yield UNKNOWN
            elif value and any(word in str(name).upper() for word in ("PASSWORD", "SECRET", "TOKEN", "API_KEY")):
                yield f"{container.label}: variable {name} must come from a secret"


RULES: Final = (
    containers_run_as_a_user,
    containers_gain_no_privilege,
    containers_drop_all_capabilities,
    system_calls_are_filtered,
    root_file_systems_are_read_only,
    memory_volumes_are_bounded,
    pods_stay_out_of_the_host,
    pods_mount_nothing_of_the_host,
    containers_state_their_resources,
    containers_are_probed,
    pods_have_an_account_of_their_own,
    pods_carry_no_api_token,
    nothing_lives_in_default,
    services_are_found_by_name_only,
    replicas_are_spread,
    secrets_are_no_plain_variables,
)
