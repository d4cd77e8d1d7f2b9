"""Hostile requests and spoiled files for the sanitized engine: `python -m tests.model.engine.fuzz FOLDER SEED COUNT`.

Runs in a process of its own, because what it looks for ends the process; prints what it did as JSON.
"""

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.contract import Datatype, PayloadContract
from tests.model.engine.generated import GeneratedModel, generate_model, host_tensors
from tests.model.engine.host import (
    INVALID_ARGUMENT,
    EngineHost,
    HostTensor,
    RefusedModelError,
    hosted_library,
    num_live,
)

STRANGE_SIZES = (-(2**63), -(2**62), -2, -1, 0, 2, 3, 1000, 2**31, 2**32 + 1, 2**60, 2**61, 2**62, 2**63 - 1)
STRANGE_INTEGERS = (-(2**63) + 1, -(2**62), -1, 0, 1, 2**62, 2**63 - 1)
STRANGE_FLOATS = (float("nan"), -0.0, 1e-45, 3.4028234e38, -3.4028234e38)
Tensors = list[HostTensor]


def _resized(random_: random.Random, tensors: Tensors, place: int) -> bool:
    shape = list(tensors[place].shape)
    axis = random_.randrange(len(shape))
    size = random_.choice(STRANGE_SIZES)
    if size == shape[axis]:
        return False
    shape[axis] = size
    tensors[place] = replace(tensors[place], shape=tuple(shape))
    return 0 not in (*shape[:-1], tensors[place].byte_size)


def _all_resized(random_: random.Random, tensors: Tensors, place: int) -> bool:
    """All columns of one history, or all tensors, agree on a size that their data does not have."""
    history = tensors[place].name.rpartition(":")[0]
    axis, size, is_empty = (1 if history else 0), random_.choice((-1, 0, 1000, 2**61, 2**62)), random_.random() < 0.7
    for index, one in enumerate(tensors):
        if one.name.rpartition(":")[0] == history or not history:
            shape = (*one.shape[:axis], size, *one.shape[axis + 1 :])
            data = b"" if is_empty else one.data
            tensors[index] = replace(one, shape=shape, data=data, byte_size=len(data))
    return size > 10**6


def _flattened(random_: random.Random, tensors: Tensors, place: int) -> bool:
    shape = tensors[place].shape
    tensors[place] = replace(tensors[place], shape=random_.choice([(), shape[:1], (*shape, 1)]))
    return True


def _retyped(random_: random.Random, tensors: Tensors, place: int) -> bool:
    datatype = random_.choice([-1, 0, 1, 9, 11, 13, 2**31 - 1])
    changed = datatype != tensors[place].datatype
    tensors[place] = replace(tensors[place], datatype=datatype)
    return changed


def _cut(random_: random.Random, tensors: Tensors, place: int) -> bool:
    data = tensors[place].data
    if not data:
        return False
    data = data[: random_.randrange(len(data))]
    tensors[place] = replace(tensors[place], data=data, byte_size=len(data))
    return True


def _longer(random_: random.Random, tensors: Tensors, place: int) -> bool:
    data = tensors[place].data + random_.randbytes(random_.choice([1, 4, 8, 64]))
    tensors[place] = replace(tensors[place], data=data, byte_size=len(data))
    return True


def _lying(random_: random.Random, tensors: Tensors, place: int) -> bool:
    size = random_.choice([0, 1, len(tensors[place].data) + 8, 2 * len(tensors[place].data), 2**20])
    changed = size != tensors[place].byte_size
    tensors[place] = replace(tensors[place], byte_size=size)
    return changed


def _left_out(_: random.Random, tensors: Tensors, place: int) -> bool:
    tensors.pop(place)
    return False  # a fact may be


def _scrambled(random_: random.Random, tensors: Tensors, place: int) -> bool:
    data = bytearray(tensors[place].data)
    for _ in range(random_.randrange(1, 5) if data else 0):
        data[random_.randrange(len(data))] = random_.randrange(256)
    tensors[place] = replace(tensors[place], data=bytes(data))
    return False


def _string_lengths(random_: random.Random, tensors: Tensors, place: int) -> bool:
    if tensors[place].datatype != 13 or len(tensors[place].data) < 4:
        return False
    length = random_.choice([2**32 - 1, 2**32 - 4, 2**31, len(tensors[place].data)])
    tensors[place] = replace(tensors[place], data=length.to_bytes(4, "little") + tensors[place].data[4:])
    return True


def _strange_values(random_: random.Random, tensors: Tensors, place: int) -> bool:
    one = tensors[place]
    if one.datatype == 9:
        data = np.array([random_.choice(STRANGE_INTEGERS) for _ in range(len(one.data) // 8)], np.int64).tobytes()
    elif one.datatype == 11:
        data = np.array([random_.choice(STRANGE_FLOATS) for _ in range(len(one.data) // 4)], np.float32).tobytes()
    else:
        return False
    tensors[place] = replace(one, data=data)
    return False


def _infinite(random_: random.Random, tensors: Tensors, place: int) -> bool:
    one = tensors[place]
    if one.datatype != 11 or not one.data:
        return False
    values = np.frombuffer(one.data, np.float32).copy()
    values[random_.randrange(len(values))] = random_.choice([np.inf, -np.inf])
    tensors[place] = replace(one, data=values.tobytes())
    return True


def _split(random_: random.Random, tensors: Tensors, place: int) -> bool:
    tensors[place] = replace(tensors[place], num_buffers=random_.choice([2, 3, 7, 1000]))
    return False


def _doubled(random_: random.Random, tensors: Tensors, place: int) -> bool:
    tensors.insert(random_.randrange(len(tensors)), tensors[place])
    return False


MUTATIONS: tuple[Callable[[random.Random, Tensors, int], bool], ...] = (
    _resized,
    _all_resized,
    _flattened,
    _retyped,
    _cut,
    _longer,
    _lying,
    _left_out,
    _scrambled,
    _string_lengths,
    _strange_values,
    _infinite,
    _split,
    _doubled,
)
"""Change one tensor; True where the engine must refuse the request by that tensor's name."""


def hostile_requests(model: GeneratedModel, host: EngineHost, random_: random.Random, count: int) -> Counter[str]:
    """`count` batches of hostile requests with a good one in the midst of each."""
    done: Counter[str] = Counter()
    rng = np.random.default_rng(random_.randrange(2**32))
    for _ in range(count):
        batch = [host_tensors(model.contract, one) for one in model.requests(rng, random_.randrange(2, 6))]
        good = random_.randrange(len(batch))
        expected = host.execute([batch[good]])[0]
        must_fail: list[str] = []
        for place, tensors in enumerate(batch):
            mutation, which = random_.choice(MUTATIONS), random_.randrange(len(tensors))
            name = tensors[which].name
            must = place != good and mutation(random_, tensors, which)
            must_fail.append(name if must else "")
            done[mutation.__name__.strip("_")] += 1
        for place, (answer, name) in enumerate(zip(host.execute(batch), must_fail, strict=True)):
            if place == good:
                assert answer.code == 0, answer
                np.testing.assert_allclose(answer.score_B, expected.score_B, atol=1e-6)
            elif answer.code == 0:
                assert not name, (name, batch[place])
                assert np.isfinite(answer.score_B).all()
                done["scored"] += 1
            else:
                assert answer.code == INVALID_ARGUMENT, answer
                assert _names_a_tensor(model.contract, answer.message), answer
                done["refused"] += 1
    return done


def _names_a_tensor(contract: PayloadContract, message: str) -> bool:
    return any(f"`{spec.name}`" in message for spec in contract.inputs)


def spoiled_files(model: GeneratedModel, library: Path, random_: random.Random, folder: Path, count: int) -> int:
    """Open copies of the model with one file spoiled; how many the engine refused. It may not end."""
    refused = 0
    names = sorted(str(file.relative_to(model.repository)) for file in model.repository.rglob("*") if file.is_file())
    for turn in range(count):
        copy = folder / f"spoiled-{turn}"
        shutil.copytree(model.repository, copy)
        file = copy / random_.choice(names)
        file.write_bytes(_spoil(random_, file.read_bytes()))
        try:
            with EngineHost(library, copy) as host:
                host.execute(
                    [host_tensors(model.contract, one) for one in model.requests(np.random.default_rng(turn), 2)]
                )
        except RefusedModelError:
            refused += 1
        shutil.rmtree(copy)
    return refused


def _spoil(random_: random.Random, data: bytes) -> bytes:
    """Cut, or change digits and other bytes near the beginning, where the headers are."""
    if random_.random() < 0.3:
        return data[: random_.randrange(len(data))]
    changed = bytearray(data)
    digits = [place for place, byte in enumerate(data[:4000]) if chr(byte).isdigit()]
    for _ in range(random_.randrange(1, 4)):
        if digits and random_.random() < 0.6:
            place = random_.choice(digits)
            changed[place : place + 1] = random_.choice(
                [b"-1", b"99999999999999999999", b"0", b"2.5", b"4611686018427387904"]
            )
        else:
            changed[random_.randrange(min(len(changed), 600))] = random_.choice(b'[]{}",:\\u0-9aZ\x00\xff \x7f')
    return bytes(changed)


def main() -> None:
    """See the module."""
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    random_ = random.Random(seed)
    library = hosted_library(sanitized=True)
    done: Counter[str] = Counter()
    for place in range(4):
        model = generate_model(folder / f"model-{place}", 100 * seed + place, "regression" if place % 2 else "binary")
        done[f"{model.contract.tensor(model.contract.embedding_key).datatype.value} keys"] += 1
        with EngineHost(library, model.repository) as host:
            done += hostile_requests(model, host, random_, count)
        done["spoiled"] += spoiled_files(model, library, random_, folder, count // 2)
    done["live"] = num_live(library)
    assert {datatype.value for datatype in Datatype} == {"INT64", "FP32", "BYTES"}
    print(json.dumps(done))


if __name__ == "__main__":
    main()
