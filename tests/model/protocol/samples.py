"""A protocol of the tiny shop that takes seconds, for tests."""

from typing import Any

from model.protocol.protocol import Protocol

CHURN = (
    "PREDICT COUNT(transactions.*, 0, 30, days) = 0 FOR EACH customers.customer_id "
    "WHERE COUNT(transactions.*, -90, 0, days) > 0"
)


def protocol(**changes: Any) -> Protocol:
    """Two test windows, two seeds of trees."""
    document: dict[str, Any] = {
        "data_set": "shop",
        "task": "churn",
        "about": "for tests",
        "tables": {"shop": "tiny"},
        "query": CHURN,
        "validation": "2023-10-01",
        "test": "2023-11-01",
        "windows": 2,
        "training": {"step_days": 14, "max_rows": 2000},
        "regimes": ["rolling", "frozen"],
        "models": ["lightgbm_entity", "lightgbm_dfs"],
        "compare": [["lightgbm_dfs", "lightgbm_entity"]],
        "seeds": 2,
    }
    return Protocol.model_validate(document | changes)
