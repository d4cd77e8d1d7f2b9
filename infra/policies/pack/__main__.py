"""The policy pack's entry (`pulumi preview --policy-pack <here>`), apart because `PolicyPack` serves until stopped."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from pulumi_policy import EnforcementLevel, PolicyPack

from infra.policies.engine import policies

PolicyPack("stillhouse", policies(), EnforcementLevel.MANDATORY)  # type: ignore[arg-type]
