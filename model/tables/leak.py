# ruff: noqa: S608 -- names and strings pass through model/tables/sql_text.py
"""Finds columns of tables without a time that were computed from rows of all times, the future among them."""

from model.graph import Link, SemanticType
from model.tables.database import Database
from model.tables.sql_text import quote

MIN_SHARE = 0.95
"""Share of the parents with children for which column and aggregate must be equal."""
MIN_ROWS = 20
"""Fewer parents than this, or fewer than this many different values, prove nothing."""
_FUNCTIONS = {"median": "median", "mean": "avg", "minimum": "min", "maximum": "max", "sum": "sum"}


def suspicious_columns(database: Database) -> list[tuple[str, str, float]]:
    """(place, aggregate in words, share of rows that agree) for each numerical column that gives itself away."""
    found: dict[str, tuple[str, str, float]] = {}
    for link in database.graph.links:
        for place, words, share in _suspicions(database, link):
            if place not in found or share > found[place][2]:
                found[place] = (place, words, share)
    return list(found.values())


def _suspicions(database: Database, link: Link) -> list[tuple[str, str, float]]:
    """Compare every number of the parent with every aggregate of every number of the child, in one statement."""
    graph = database.graph
    parent, child = graph.table(link.parent_table), graph.table(link.child_table)
    if parent.time_column is not None or child.time_column is None:
        return []
    facts = [c.name for c in graph.feature_columns(parent.name) if c.semantic_type is SemanticType.NUMERICAL]
    numbers = [c.name for c in graph.feature_columns(child.name) if c.semantic_type is SemanticType.NUMERICAL]
    assert parent.primary_key is not None, "a link leads to a primary key"
    # A maximum over a constant or one child a parent would agree by chance: only parents with several children count.
    aggregates = {
        f"{word} of `{child.name}.{n}`": f"{sql}({quote(n)})" for n in numbers for word, sql in _FUNCTIONS.items()
    }
    aggregates[f"the number of rows of `{child.name}`"] = "count(*)"
    pairs = [(fact, words) for fact in facts for words in aggregates]
    if not pairs:
        return []
    names = {words: f"a{position}" for position, words in enumerate(aggregates)}
    agreeing = ", ".join(
        f"avg((abs(p.{quote(fact)} - g.{names[words]}) <= 1e-6 * greatest(1, abs(g.{names[words]})))::INT)"
        for fact, words in pairs
    )
    different = ", ".join(f"count(DISTINCT p.{quote(fact)})" for fact, _ in pairs)
    computed = ", ".join(f"{sql} AS {names[words]}" for words, sql in aggregates.items())
    query = f"""
        WITH g AS (
            SELECT {quote(link.child_column)} AS k, {computed} FROM {quote(child.name)} GROUP BY 1 HAVING count(*) > 1
        )
        SELECT count(*), {agreeing}, {different}
        FROM {quote(parent.name)} AS p JOIN g ON g.k = p.{quote(parent.primary_key)}"""
    num_rows, *values = database.rows(query)[0]
    shares, num_different = values[: len(pairs)], values[len(pairs) :]
    return [
        (f"{parent.name}.{fact}", f"the {words}".replace("the the", "the"), float(share))
        for (fact, words), share, values_seen in zip(pairs, shares, num_different, strict=True)
        if num_rows >= MIN_ROWS and values_seen >= MIN_ROWS and share is not None and share >= MIN_SHARE
    ]
