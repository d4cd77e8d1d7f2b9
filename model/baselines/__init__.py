"""LightGBM on the same rows, alone and on windowed aggregates: what the models must beat."""
