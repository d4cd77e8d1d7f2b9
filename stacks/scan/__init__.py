"""A published scanner (checkov) over every Kubernetes object of an environment: `python -m stacks.scan prod`."""
