"""What a plan is good for: thousands of rollouts whose truth is known, judged by the same code as real ones."""
