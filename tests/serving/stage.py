"""A release file, repositories and a twin of one test, with everything real but the model."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from serving.load import LoadRunner, LoadSettings
from serving.release import Release, release_text
from serving.release_change import Change, changed
from serving.release_match import ByEntity, ByHeader
from serving.release_verbs import canary, promote, ramp, register, rollback
from serving.twin.run import twin_down, twin_reconcile, twin_status, twin_up
from serving.twin.settings import TwinSettings
from serving.twin.status import TwinStatus, VersionStatus
from serving.twin.tokens import TokenIssuer, open_issuer
from tests.serving.fake_repository import MODEL_NAME, Behaviour, request_body, write_repository

INFER = f"/v2/models/{MODEL_NAME}/infer"


S = TypeVar("S", bound="Stage")


@dataclass(kw_only=True, slots=True)
class Stage:
    """Everything lies below `root`; the twin is taken down by `close`."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)
    release: Release = field(default_factory=lambda: Release(endpoint="churn"))
    status: TwinStatus | None = None

    @property
    def folder(self) -> Path:
        return self.root / "twin"

    @property
    def release_path(self) -> Path:
        return self.root / "churn.yaml"

    def add_next(self, behaviour: Behaviour | None = None, **facts: Any) -> str:
        """Add a version under a name that was not used before."""
        name = f"v{len(self.release.versions) + 1}"
        self.add_version(name, behaviour, **facts)
        return name

    @property
    def stable(self) -> str:
        assert self.release.stable is not None
        return self.release.stable.version

    def add_version(self, name: str, behaviour: Behaviour | None = None, **facts: Any) -> None:
        """Write a repository and register it; the bias makes every version another digest."""
        told = replace(behaviour or Behaviour(), bias=float(len(self.release.versions)))
        artifact = write_repository(self.root / name, told, **facts)
        self.do(partial(register, version=name, digest=artifact.digest, uri=name, registered=datetime.now(UTC)))

    def canary(self, version: str, weight: int) -> TwinStatus:
        return self.change(partial(canary, version=version, weight=weight))

    def ramp(self, weight: int) -> TwinStatus:
        return self.change(partial(ramp, weight=weight))

    def promote(self, version: str) -> TwinStatus:
        return self.change(partial(promote, version=version))

    def rollback(self) -> TwinStatus:
        return self.change(rollback)

    def confirm(self) -> TwinStatus:
        """Let the version that was stable before go."""
        return self.change(lambda release: changed(release, "verify", "confirmed", {"previous": None}))

    def shadow(self, version: str, percent: int = 100) -> TwinStatus:
        digest = self.release.versions[version].digest
        entry = {"version": version, "digest": digest, "percent": percent}
        return self.change(lambda release: changed(release, "shadow", f"shadow {version}", {"shadow": entry}))

    def compare(self, version: str, *rules: ByHeader | ByEntity, weight: int) -> TwinStatus:
        digest = self.release.versions[version].digest
        match = [rule.model_dump() for rule in rules]
        entry = {"version": version, "digest": digest, "weight": weight, "match": match}
        return self.change(lambda release: changed(release, "ab", f"compare {version}", {"candidate": entry}))

    def clear(self) -> None:
        """Nothing but a stable version, on the file and on the twin."""
        if self.release.candidate is not None:
            self.rollback()
        if self.release.shadow is not None or self.release.previous is not None:
            self.change(lambda release: changed(release, "verify", "cleared", {"shadow": None, "previous": None}))

    def change(self, verb: Callable[[Release], Change]) -> TwinStatus:
        """Write the next release file and make the twin serve it."""
        self.do(verb)
        self.status = twin_reconcile(self.folder)
        return self.status

    def up(self, first: str = "v1") -> TwinStatus:
        """Bring the twin up with `first` as the stable version, unless the file names one already."""
        if self.release.stable is None:
            self.do(partial(promote, version=first))
        settings = TwinSettings(folder=self.folder, release_path=self.release_path, root=self.root, **self.settings)
        self.status = twin_up(settings)
        assert self.status is not None
        return self.status

    def close(self) -> None:
        twin_down(self.folder)

    def pid(self, name: str) -> int:
        """Of a version's running process."""
        pid = self.version(name).process.pid
        assert pid is not None
        return pid

    def version(self, name: str) -> VersionStatus:
        """The present status of one version."""
        return next(one for one in twin_status(self.folder).versions if one.version == name)

    @property
    def issuer(self) -> TokenIssuer:
        return open_issuer(self.folder / "tokens")

    def http(self, token: str | None = None) -> httpx.Client:
        """A client with a good token, or the given one."""
        assert self.status is not None
        return httpx.Client(
            base_url=self.status.url,
            headers={"authorization": f"Bearer {token or self.issuer.mint()}"},
            verify=ssl.create_default_context(cafile=self.status.ca_path),
            timeout=60,
            trust_env=False,
        )

    def served_by(self, count: int = 100) -> dict[str, int]:
        """Version -> answers, over so many good requests one after the other."""
        shares: dict[str, int] = {}
        with self.http() as http:
            for _ in range(count):
                answer = http.post(INFER, content=request_body())
                assert answer.status_code == 200, answer.text
                version = answer.headers["x-stillhouse-version"]
                shares[version] = shares.get(version, 0) + 1
        return shares

    def load(self, rate_per_s: float, **settings: Any) -> LoadRunner:
        """Load that has begun."""
        assert self.status is not None
        runner = LoadRunner(
            LoadSettings(
                url=self.status.url,
                model_name=MODEL_NAME,
                token=self.issuer.mint(),
                ca_path=Path(self.status.ca_path),
                rate_per_s=rate_per_s,
                **settings,
            ),
            [request_body(num_interactions=n) for n in (0, 1, 4, 8)],
        )
        runner.start()
        return runner

    def do(self, verb: Callable[[Release], Change]) -> None:
        """Write the next release file."""
        self.release = verb(self.release).release
        self.release_path.write_text(release_text(self.release))


@contextmanager
def standing(stage: S) -> Iterator[S]:
    """A twin that serves v1, until the end."""
    stage.add_version("v1")
    try:
        stage.up()
        yield stage
    finally:
        stage.close()
