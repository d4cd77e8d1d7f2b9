"""What an application calls: values of a request -> a prediction, over the endpoint's HTTPS.

with PredictionClient(url, token, ca_path, contract, transport="binary") as client:
    client.predict(values).score
"""

import asyncio
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from model.contract import PayloadContract
from model.payload import RequestValues, Value, request_tensors
from serving.client_errors import UnavailableError as UnavailableError
from serving.client_retry import RetryBudget, RetrySettings
from serving.client_send import AsyncGrpcSender, AsyncHttpSender, Endpoint, GrpcSender, HttpSender, Transport
from serving.client_wire import FALLBACK_HEADER as FALLBACK_HEADER
from serving.client_wire import VERSION_HEADER as VERSION_HEADER
from serving.client_wire import Prediction as Prediction


class _Client:
    """What both clients have: where to ask, by what contract, how long and how often."""

    def __init__(
        self,
        url: str,
        token: str,
        ca_path: Path | None,
        contract: PayloadContract,
        *,
        timeout_s: float = 1.0,
        transport: Transport = "json",
        retries: RetrySettings | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: `https://host:port` of the endpoint.
            token: bearer token with the endpoint's audience and the role `predict`.
            ca_path: PEM file of the authority to trust; None trusts the system's.
            contract: of the served model.
            timeout_s: from the call to the prediction, further attempts included.
            transport: how tensors travel; `binary` is the fastest to make and read, `json` what people can read.
            retries: when a request is sent again; None for the defaults.
        """
        self._contract = contract
        self._endpoint = Endpoint(
            url=url, model_name=contract.model_name, token=token, ca_path=ca_path, transport=transport
        )
        self._timeout_s = timeout_s
        self._budget = RetryBudget(retries or RetrySettings())

    def _entity(self, items: Sequence[RequestValues]) -> str | None:
        """The header that keeps an entity with its version; a request about several has none."""
        return entity_value(items[0].facts[self._contract.embedding_key]) if len(items) == 1 else None

    def _next_wait_s(self, error: UnavailableError, attempts: int, deadline_s: float) -> float:
        """Seconds until the next attempt; the error again where there is none."""
        wait_s = self._budget.wait_s(attempts, deadline_s - time.monotonic()) if error.may_pass else None
        if wait_s is None:
            raise error
        return wait_s


class PredictionClient(_Client):
    """Keeps its connections open; close it or use it in a `with` block. Safe to share between threads."""

    @cached_property
    def _sender(self) -> HttpSender | GrpcSender:
        is_grpc = self._endpoint.transport == "grpc"
        return GrpcSender(self._endpoint) if is_grpc else HttpSender(self._endpoint)

    def predict(self, values: RequestValues) -> Prediction:
        """Ask for one prediction.

        Raises:
            UserError: the values do not fit the contract (names the field), or the token does not fit the endpoint.
            UnavailableError: the endpoint did not answer in time, or failed.
        """
        return self.predict_many([values])[0]

    def predict_many(self, items: Sequence[RequestValues]) -> list[Prediction]:
        """Ask for predictions about several entities in one request; the errors are those of `predict`."""
        tensors, entity = request_tensors(self._contract, items), self._entity(items)
        deadline_s, attempts = time.monotonic() + self._timeout_s, 0
        self._budget.earn()
        while True:
            attempts += 1
            try:
                return self._sender.send(tensors, entity, max(deadline_s - time.monotonic(), 0.001))
            except UnavailableError as error:
                time.sleep(self._next_wait_s(error, attempts, deadline_s))

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncPredictionClient(_Client):
    """The same for asyncio; use it within one event loop."""

    @cached_property
    def _sender(self) -> AsyncHttpSender | AsyncGrpcSender:
        is_grpc = self._endpoint.transport == "grpc"
        return AsyncGrpcSender(self._endpoint) if is_grpc else AsyncHttpSender(self._endpoint)

    async def predict(self, values: RequestValues) -> Prediction:
        """See `PredictionClient.predict`."""
        return (await self.predict_many([values]))[0]

    async def predict_many(self, items: Sequence[RequestValues]) -> list[Prediction]:
        """See `PredictionClient.predict_many`."""
        tensors, entity = request_tensors(self._contract, items), self._entity(items)
        deadline_s, attempts = time.monotonic() + self._timeout_s, 0
        self._budget.earn()
        while True:
            attempts += 1
            try:
                return await self._sender.send(tensors, entity, max(deadline_s - time.monotonic(), 0.001))
            except UnavailableError as error:
                await asyncio.sleep(self._next_wait_s(error, attempts, deadline_s))

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def entity_value(key: Value) -> str:
    """An entity's key as the header `x-stillhouse-entity` carries it: percent-encoded UTF-8.

    The endpoint sends the same entity to the same version, where its release file asks for that.
    """
    return quote(key if isinstance(key, bytes) else str(key), safe="")
