"""The release file's form as JSON schema, for editors: `python -m serving.release_schema docs/release.schema.json`."""

import json
import sys
from pathlib import Path

from serving.release import Release


def schema_text() -> str:
    """The schema, with the descriptions that the fields have here."""
    schema = Release.model_json_schema(by_alias=True)
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A Stillhouse release file"}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text())
