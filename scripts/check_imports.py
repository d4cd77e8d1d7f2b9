"""Checks that imports run one way: model -> serving -> dashboards; infra alone; stacks, demo, bench join; cli last."""

import ast
import sys
from pathlib import Path

MAY_IMPORT = {
    "model": {"model"},
    "serving": {"serving", "model"},
    "dashboards": {"dashboards", "serving"},
    "infra": {"infra"},
    "stacks": {"stacks", "model", "serving", "dashboards", "infra"},
    "demo": {"demo", "model", "serving"},
    "bench": {"bench", "model", "serving", "stacks"},
    "cli": {"cli", "demo", "stacks", "model", "serving", "dashboards", "infra"},
}
MODEL_FOR_SERVING = {"model.artifact", "model.contract", "model.payload", "model.errors", "model.progress"}
"""Of `model`, `serving` sees the artifacts, the payload and the form of errors and progress."""


def imported_modules(source: str) -> list[tuple[int, str]]:
    """(line, dotted name) of every module that the source imports, wherever in it."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.append((node.lineno, node.module))
    return found


def violations(root: Path) -> list[str]:
    """One line for each import that runs against the direction."""
    lines: list[str] = []
    for room, allowed in MAY_IMPORT.items():
        for file in sorted((root / room).rglob("*.py")):
            for line, name in imported_modules(file.read_text()):
                target = name.split(".")[0]
                if target in MAY_IMPORT and target not in allowed:
                    lines.append(f"{file.relative_to(root)}:{line}: `{room}` must not import `{name}`")
                elif room == "serving" and target == "model" and name not in MODEL_FOR_SERVING:
                    lines.append(
                        f"{file.relative_to(root)}:{line}: `serving` may use {sorted(MODEL_FOR_SERVING)} (got `{name}`)"
                    )
    return lines


if __name__ == "__main__":
    found = violations(Path(__file__).parent.parent)
    print("\n".join(found) or "imports run one way")
    sys.exit(bool(found))
