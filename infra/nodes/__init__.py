"""Machines: a small group that is always there, and pools that Karpenter scales from zero."""
