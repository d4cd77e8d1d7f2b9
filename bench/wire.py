"""The `inputs` of a V2 request as JSON has them -> arrays; numpy alone, for both environments."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_NUMBERS = {"INT64": np.int64, "FP32": np.float32}


def tensors_of(inputs: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Tensor name -> array; strings become UTF-8 bytes, as Triton gives them."""
    return {tensor["name"]: _array(tensor["datatype"], tensor["data"]).reshape(tensor["shape"]) for tensor in inputs}


def _array(datatype: str, data: Sequence[Any]) -> npt.NDArray[Any]:
    if datatype == "BYTES":
        return np.array([text.encode() for text in data], dtype=object)
    return np.array(data, dtype=_NUMBERS[datatype])
