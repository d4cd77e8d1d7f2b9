"""Where the tools lie: one Go module a folder under `tools/`, what is built from it in `.tools/bin`."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
PROGRAMS = {file.parent.name: file.parent for file in sorted((ROOT / "tools").glob("*/go.mod"))}
"""Name of the Go module's folder -> folder; each has requirements of its own, since theirs clash."""
