"""`python -m stacks.scan prod`: what the scanner says of an environment; ends with 1 where it refuses something."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from model.errors import UserError
from stacks.scan.allowed import read_allowed, sift
from stacks.scan.environment import scan_environment


def main(environment: str) -> int:
    """Print what is refused; 0 where nothing is."""
    with TemporaryDirectory() as folder:
        found = scan_environment(environment, Path(folder))
    refused = sift(found.failures, read_allowed()).refused
    for failure in refused:
        print(f"{failure.check} {failure.resource}: {failure.sentence}")
    allowed = len(found.failures) - len(refused)
    print(f"{found.num_resources} objects, {found.num_passed} checks passed, {allowed} allowed, {len(refused)} refused")
    return bool(refused)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except UserError as error:
        sys.exit(f"error: {error}")
    except IndexError:
        sys.exit("error: name an environment, e.g. `python -m stacks.scan prod`")
