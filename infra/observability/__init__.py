"""Metrics, dashboards and alerts inside the cluster."""
