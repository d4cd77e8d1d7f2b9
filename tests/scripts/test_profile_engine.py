import json
from pathlib import Path

import pytest

from scripts.profile_engine import PARTS, TRITON_PARTS, main, payloads
from tests.model.served_model import NAME, make_served_model


def test_a_profile_has_every_part_of_the_compiled_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served = make_served_model(tmp_path / "model")
    bodies = payloads(served.repository, NAME, served.contract)
    rows = {tensor["shape"][1] for body in bodies for tensor in json.loads(body)["inputs"] if len(tensor["shape"]) == 3}
    assert rows == {4, 8, 16, 32}

    written = tmp_path / "profile.json"
    arguments = [str(served.repository), "--rate", "100", "--seconds", "2", "--json", str(written)]
    monkeypatch.setattr("sys.argv", ["profile_engine", *arguments])
    main()
    found = json.loads(written.read_text())
    assert found["engine"] == "compiled"
    assert set(found["part_us"]) == set(PARTS)
    assert set(found["triton_us"]) == set(TRITON_PARTS)
    assert min(*found["part_us"].values(), found["processor_us"], found["requests"]) > 0
    printed = capsys.readouterr().out
    assert all(f"| engine: {part} |" in printed for part in PARTS)
