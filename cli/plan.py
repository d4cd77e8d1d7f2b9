"""`stillhouse plan STACK`: what a stack declares, costs and answers, and what speaks against it, before it exists."""

import gc
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psutil
import typer

from cli.console import AsJson, show, stdout
from model.errors import UserError

if TYPE_CHECKING:
    from stacks.settings.settings import Tier


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(plan)


def plan(
    stack: Annotated[str, typer.Argument(help="A stack with a file in stacks/, e.g. prod or prod-releases.")],
    compare_with: Annotated[
        str | None, typer.Option("--compare", metavar="TIER", help="Also show what another tier would change.")
    ] = None,
    yaml: Annotated[
        Path | None, typer.Option("--yaml", metavar="DIR", help="Write every Kubernetes object into a new folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a stack would be: resources, monthly bill, capacity, findings. Nothing is contacted or changed.

    Ends with status 1 where a mandatory rule is broken.

    Example: `stillhouse plan prod --compare medium`
    """
    # The packages make a million objects that live to the end: looking for garbage among them is a third of the time.
    gc.disable()
    # Pulumi and its packages cost seconds that no other verb should wait for.
    from cli.plan_words import show_comparison, show_plan
    from stacks.plan.compare import compare
    from stacks.plan.document import comparison_document, document
    from stacks.plan.manifests import write_manifests
    from stacks.plan.plan import make_plan

    other = _tier(compare_with, stack)
    made = make_plan(stack)
    after = make_plan(stack, tier=other) if other else None
    comparison = compare(made, after) if after else None
    written = write_manifests(made.capture, yaml) if yaml else ()
    seconds = time.time() - psutil.Process().create_time()
    content = document(made, seconds=seconds)
    if after and comparison:
        content["comparison"] = comparison_document(comparison, after)

    def words() -> None:
        show_plan(made)
        if after and comparison:
            show_comparison(made, after, comparison)
        if yaml:
            stdout.print(f"\nwrote {len(written)} objects to [bold]{yaml}[/]", soft_wrap=True)
        stdout.print(f"\n[dim]{seconds:.1f} s; no account, no CLI, nothing contacted[/]")

    show(content, as_json, words)
    if made.is_forbidden:
        sys.exit(1)


def _tier(text: str | None, stack: str) -> "Tier | None":
    from stacks.programs import RELEASES_SUFFIX
    from stacks.settings.explain import closest
    from stacks.tiers import TIERS

    if text is None:
        return None
    if stack.endswith(RELEASES_SUFFIX):
        raise UserError(f"--compare: a releases stack has no tier (got {stack})", hint="compare the platform's stack")
    for tier in TIERS:
        if tier == text:
            return tier
    raise UserError(f"no such tier (got {text}); there are: {', '.join(TIERS)}", hint=closest(text, list(TIERS)))
