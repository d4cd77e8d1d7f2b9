"""Ranking: which items an entity has to do with next, from the deep encoder, items' vectors, habit and fashion."""
