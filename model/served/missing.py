"""What stands for null in tables' arrays and in requests; imports nothing, since the Triton repository holds a copy."""

MISSING_INT64 = -(2**63)
"""Null in INT64; the smallest int64, no sensible value or time."""
MISSING_FP32 = -3.4028234663852886e38
"""Null in FP32 beside NaN, for strict JSON, which has no NaN; the lowest float32."""
