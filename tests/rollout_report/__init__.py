"""Measures rollouts on a real twin and writes `runs/rollout/`: `make rollout-report`."""
