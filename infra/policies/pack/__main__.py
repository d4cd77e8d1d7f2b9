"""The policy pack's entry (`pulumi preview --policy-pack <here>`), apart because `PolicyPack` serves until stopped."""

import io
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from pulumi_policy import EnforcementLevel, PolicyPack

from infra.policies.engine import policies

# The engine waits for the port that the pack prints; through a buffered pipe it would wait for ever.
sys.stdout = io.TextIOWrapper(os.fdopen(sys.stdout.fileno(), "wb", buffering=0, closefd=False), write_through=True)
PolicyPack("stillhouse", policies(), EnforcementLevel.MANDATORY)  # type: ignore[arg-type]
