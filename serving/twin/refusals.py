"""Notices when Envoy refuses what lies in its folder, whoever put it there, and goes on with what it had."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from serving.twin.envoy_admin import EnvoyAdmin, Taken
from serving.twin.envoy_values import contents_version

_KINDS = {"cds": "clusters", "rds": "routes", "ecds": "token rules"}


@dataclass(kw_only=True, slots=True)
class Refusals:
    """What is refused now, by kind of configuration."""

    xds: Path
    present: dict[str, str] = field(default_factory=dict)
    _before: dict[str, Taken] = field(default_factory=dict)

    @property
    def complaint(self) -> str | None:
        """In words; None while Envoy works by everything that lies there."""
        return "; ".join(self.present.values()) or None

    async def look(self, admin: EnvoyAdmin) -> list[str]:
        """Ask Envoy; what is new since the last time.

        Raises:
            aiohttp.ClientError, TimeoutError: Envoy does not answer.
        """
        news = []
        for kind in _KINDS:
            now = await admin.taken(kind)
            before = self._before.get(kind, Taken(version="", num_accepted=0, num_refused=0))
            self._before[kind] = now
            # An Envoy that was started again counts from 0.
            refused_before = before.num_refused if before.num_refused <= now.num_refused else 0
            accepted = now.num_accepted != before.num_accepted
            if now.num_refused > refused_before and not (accepted and self._lies_there(kind, now)):
                self.present[kind] = (
                    f"Envoy refused the {_KINDS[kind]} in `{self.xds / kind / f'{kind}.json'}`; "
                    f"it goes on with {now.version}"
                )
                news.append(self.present[kind])
            elif accepted and kind in self.present:
                del self.present[kind]
                news.append(f"Envoy works by the {_KINDS[kind]} in its folder again")
        return news

    def _lies_there(self, kind: str, now: Taken) -> bool:
        """Whether the file holds what Envoy works by, so that what was refused was put right since."""
        try:
            answer = json.loads((self.xds / kind / f"{kind}.json").read_text())
            return bool(contents_version(answer["resources"]) == now.version)
        except (OSError, ValueError, KeyError, TypeError):
            return False
