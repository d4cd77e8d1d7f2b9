"""Asks a Triton in its own container whether it serves: `probe.py alive` and `probe.py answers`; exit code 0 is yes.

Triton reports a model ready although the Python process behind it has died. `alive` therefore also looks for that
process, and `answers` makes a real prediction for the first entity of the model's embeddings. The file is mounted into
Triton's container and runs with that image's Python: standard library only.
"""

import ast
import http.client
import json
import struct
import sys
import time
from pathlib import Path

STUB = "triton_python_backend_stub"
REQUEST_ID = "stillhouse-probe"
"""By it the model knows a prediction that nobody uses, and leaves it out of what it counts."""
_NULLS: dict[str, str | int | float] = {"INT64": -(2**63), "FP32": -3.4028234663852886e38, "BYTES": ""}


def models(repository: str) -> list[Path]:
    """Folders of the models in the repository, those of `config.pbtxt`."""
    return sorted(config.parent for config in Path(repository).glob("*/config.pbtxt"))


def status(address: str, method: str, path: str, *, timeout_s: int, sent: bytes | None = None) -> int:
    """Status of the answer, 0 where there is none in time."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except (http.client.HTTPException, OSError):
        return 0
    finally:
        connection.close()


def is_ready(address: str, model: Path) -> bool:
    """Triton's own word."""
    return status(address, "GET", f"/v2/models/{model.name}/ready", timeout_s=2) == 200


def has_process(model: Path, processes: str = "/proc") -> bool:
    """Whether a Python model's process runs; models of other backends have none and need none."""
    if 'backend: "python"' not in (model / "config.pbtxt").read_text("utf-8"):
        return True
    for entry in Path(processes).glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
            state = entry.with_name("stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            continue
        runs_model = any(word.startswith(f"{model}/".encode()) for word in words[1:])
        if words[0].endswith(STUB.encode()) and runs_model and state not in "ZX":
            return True
    return False


def first_key(model: Path) -> str | int | None:
    """The first key of the newest version's embeddings, or None where it has none; reads numpy's file by itself."""
    for path in sorted(model.glob("*/embeddings/keys.npy"), reverse=True):
        with path.open("rb") as file:
            magic = file.read(8)
            wide = magic[6] > 1
            size = struct.unpack("<I" if wide else "<H", file.read(4 if wide else 2))[0]
            header = ast.literal_eval(file.read(size).decode("latin1"))
            if header["shape"][0] == 0:
                return None
            kind, width = header["descr"][1], int(header["descr"][2:])
            raw = file.read(width)
        return int(struct.unpack("<q", raw)[0]) if kind == "i" else raw.rstrip(b"\0").decode()
    return None


def body(model: Path, now_ns: int) -> bytes:
    """A request as small as the contract allows: one entity, no history, everything else null."""
    contract = json.loads(next(model.glob("*/contract.json")).read_text("utf-8"))
    tensors = []
    for spec in contract["inputs"]:
        value, shape = _NULLS[spec["datatype"]], [1, 1]
        if spec["role"] == "anchor_time":
            value = now_ns
        elif spec["name"] == contract["embedding_key"]:
            key = first_key(model)
            value = ("0" if spec["datatype"] == "BYTES" else 0) if key is None else key
        data = [value]
        if spec["role"] == "interaction":
            shape, data = [1, 0, 1], []
        tensors.append({"name": spec["name"], "datatype": spec["datatype"], "shape": shape, "data": data})
    return json.dumps({"id": REQUEST_ID, "inputs": tensors}).encode()


def answers(address: str, model: Path) -> bool:
    """Whether the model's code ran: a prediction, or a refusal in its own words (4xx)."""
    code = status(address, "POST", f"/v2/models/{model.name}/infer", timeout_s=5, sent=body(model, time.time_ns()))
    return code == 200 or 400 <= code < 500


def check(question: str, address: str, repository: str) -> bool:
    """Whether every model of the repository does what is asked; a repository without models does nothing."""
    found = models(repository)
    if question == "answers":
        return bool(found) and all(answers(address, model) for model in found)
    return bool(found) and all(is_ready(address, model) and has_process(model) for model in found)


if __name__ == "__main__":
    sys.exit(0 if check(sys.argv[1], sys.argv[2], sys.argv[3]) else 1)
