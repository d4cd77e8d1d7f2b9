"""The releases stack, applied from inside the cluster."""
