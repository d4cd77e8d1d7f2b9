"""promtool, which lies beside the Prometheus that a twin would start."""

import subprocess

from serving.twin.paths import find_prometheus


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it; a complaint of its own is an error with its words."""
    program = find_prometheus().with_name("promtool")
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, f"{done.stdout}\n{done.stderr}")
    return done
