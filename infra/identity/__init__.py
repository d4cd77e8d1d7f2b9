"""Who may do what: IAM policy documents as values, and one role per workload."""
