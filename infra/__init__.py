"""Pulumi components: arguments in, resources out; no knowledge of environments."""
