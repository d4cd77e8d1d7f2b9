"""Names and strings as SQL text; everything that comes from tables or users passes through here."""


def quote(name: str) -> str:
    """`name` as an SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    """`text` as an SQL string."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
