"""A run of the model's half of the demo, small and shared by the tests of this folder."""

import pytest

from demo.line import Labelled, label, learn
from demo.settings import DemoSettings
from model.run_folder import RunFolder
from tests.demo.test_run import quiet


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Labelled]:
    folder = RunFolder(tmp_path_factory.mktemp("damage") / "run")
    settings = DemoSettings(folder=folder.root, preset="tiny", training_rows=600, deep_rows=600, distilled_rows=400)
    labelled = label(folder, settings, quiet())
    learn(folder, settings, labelled, quiet())
    return folder, labelled
