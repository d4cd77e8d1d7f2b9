"""What a column's or a table's name says of keys, and which storage types keys have."""

import re
from collections.abc import Iterable

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
FLOATS = {"FLOAT", "DOUBLE"}
ID_NAME = re.compile(r"(^|_)(id|ids|key|code|no|nr|uuid|guid|sku|isbn)$|[a-z](Id|ID|Key|Code)$", re.ASCII)
ANY_KEY = ("id", "key")
"""Names of a key in any table."""


def key_names(table: str, columns: Iterable[str]) -> list[str]:
    """The columns that bear the name of the table's key, e.g. `customer_id` of `customers`."""
    own = [f"{form}{suffix}" for form in forms(table) for suffix in ("id", "key", "code", "no")]
    return [name for name in columns if plain(name) in {*ANY_KEY, *own}]


def plain(name: str) -> str:
    """A name without underscores, in small letters."""
    return name.replace("_", "").lower()


def forms(table: str) -> list[str]:
    """The table's name without underscores, as it is and in the singular."""
    bare = plain(table)
    singular = re.sub(r"(?<!s)s$", "", re.sub(r"ies$", "y", re.sub(r"(ss|x|ch|sh)es$", r"\1", bare)))
    return [bare, singular]
