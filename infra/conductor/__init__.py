"""Who moves rollouts on in the cluster: a place for conductors on the platform, and one conductor an endpoint."""
