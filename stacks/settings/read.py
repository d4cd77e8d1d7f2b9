"""A stack's configuration -> checked settings: the one way for the program and for `stillhouse plan`."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from model.errors import UserError
from stacks.settings.explain import closest, explain, unknown_key
from stacks.settings.part import Part
from stacks.settings.secret_settings import SECRETS, needed_secrets
from stacks.settings.settings import Settings, Tier
from stacks.settings.stack_config import PROJECT, StackConfig
from stacks.tiers import TIERS, with_tier

AnyPart = TypeVar("AnyPart", bound=Part)


def read_settings(config: StackConfig) -> Settings:
    """The settings of a platform stack.

    Raises:
        UserError: naming file, key, value and what is allowed.
    """
    given = config.own()
    _refuse_secrets(config)
    allowed = sorted((Settings.model_fields.keys() - {"region"}) | SECRETS.keys())
    for name in given:
        if name not in allowed or name in SECRETS:
            raise _unknown(config, name, allowed)
    region = {"region": config.values["aws:region"]} if "aws:region" in config.values else {}
    settings = checked(Settings, {**with_tier(given, _tier(config, given)), **region}, place=config.place)
    assert set(needed_secrets(settings)) <= SECRETS.keys()
    return settings


def checked(model: type[AnyPart], values: Mapping[str, object], *, place: str) -> AnyPart:
    """Plain values -> the model.

    Raises:
        UserError: naming file, key, value and what is allowed.
    """
    try:
        return model.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        told = explain(error, place=place, model=model, prefix=f"{PROJECT}:")
        raise told from error


def _tier(config: StackConfig, given: Mapping[str, object]) -> Tier:
    for tier in TIERS:
        if given.get("tier") == tier:
            return tier
    got = str(given.get("tier", "nothing"))
    raise UserError(
        f"`{config.place}`: {PROJECT}:tier: not allowed (got {got}); allowed are: {', '.join(TIERS)}",
        hint=closest(got, list(TIERS)),
    )


def _refuse_secrets(config: StackConfig) -> None:
    """A secret key that is no secret setting would be silently unread."""
    prefix = f"{PROJECT}:"
    for key in sorted(config.secret_keys):
        if key.startswith(prefix) and key.removeprefix(prefix) not in SECRETS:
            name = key.removeprefix(prefix)
            if name in Settings.model_fields:
                raise UserError(
                    f"`{config.place}`: {key}: is no secret (got secure: ...)",
                    hint=f"secrets are: {', '.join(SECRETS)}",
                )
            raise unknown_key(f"`{config.place}`: {key}", name, sorted(SECRETS))


def _unknown(config: StackConfig, name: str, allowed: list[str]) -> UserError:
    key = f"`{config.place}`: {PROJECT}:{name}"
    if name in SECRETS:
        return UserError(
            f"{key}: stands in plain text (got a value that is not encrypted)",
            hint=f"`pulumi config set --secret {PROJECT}:{name}` encrypts it",
        )
    if name == "region":
        return UserError(f"{key}: no such setting (got region)", hint="the region is `aws:region`")
    return unknown_key(key, name, allowed)
