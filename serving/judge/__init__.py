"""What was counted of two versions side by side -> a verdict on the candidate, valid however often one looks."""
