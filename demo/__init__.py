"""The main job from tables to a canaried endpoint, and the report about it."""
