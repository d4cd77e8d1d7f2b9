"""What is measured, by name: metrics, labels, buckets and queries of the twin and of the cluster, and what they say."""
