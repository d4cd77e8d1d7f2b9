"""Versions of a model and the route to them: InferenceServices, scaling, protection, weights."""
