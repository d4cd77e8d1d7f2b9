"""Conducts a rollout by its release file, from the first look at a candidate to its promotion, hold or rollback."""
