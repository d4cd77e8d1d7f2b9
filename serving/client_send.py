"""One attempt to get predictions, over HTTP or gRPC, for callers that wait and for those that await."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import grpc
import httpx

from model.payload import Tensor
from serving.client_errors import grpc_refusal, http_refusal, no_connection
from serving.client_grpc import INFER
from serving.client_wire import (
    InferRequest,
    InferResponse,
    Prediction,
    binary_content,
    grpc_message,
    json_content,
    read_grpc,
    read_json,
)
from serving.release_match import ENTITY_HEADER

Transport = Literal["json", "binary", "grpc"]
_GRPC_BYTES: dict[str, Any] = {
    "request_serializer": InferRequest.SerializeToString,
    "response_deserializer": InferResponse.FromString,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where predictions are asked for, and how."""

    url: str
    """`https://host:port`."""
    model_name: str
    token: str
    ca_path: Path | None
    """PEM file of the authority to trust; None trusts the system's."""
    transport: Transport

    @property
    def path(self) -> str:
        """Of a request over HTTP."""
        return f"/v2/models/{self.model_name}/infer"

    def http_options(self) -> dict[str, Any]:
        """Of httpx's clients. Answers are small: unpacking them would cost more than it saves."""
        return {
            "base_url": self.url,
            "headers": {"authorization": f"Bearer {self.token}", "accept-encoding": "identity"},
            "verify": ssl.create_default_context(cafile=str(self.ca_path) if self.ca_path else None),
        }

    def http_request(self, tensors: Sequence[Tensor], entity: str | None) -> dict[str, Any]:
        """Arguments of a POST."""
        content, headers = json_content(tensors) if self.transport == "json" else binary_content(tensors)
        return {"url": self.path, "content": content, "headers": {**headers, **_entity(entity)}}

    def metadata(self, entity: str | None) -> list[tuple[str, str]]:
        """Of a call over gRPC."""
        return [("authorization", f"Bearer {self.token}"), *_entity(entity).items()]

    def credentials(self) -> grpc.ChannelCredentials | None:
        """None where the address is plain HTTP."""
        if urlsplit(self.url).scheme != "https":
            return None
        return grpc.ssl_channel_credentials(self.ca_path.read_bytes() if self.ca_path else None)


def read_http(answer: httpx.Response) -> list[Prediction]:
    """Predictions, or the error that the answer stands for."""
    if answer.status_code != 200:
        raise http_refusal(answer)
    return read_json(answer.json(), answer.headers)


class HttpSender:
    """JSON, or JSON with binary tensors."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = httpx.Client(**endpoint.http_options())

    def send(self, tensors: Sequence[Tensor], entity: str | None, timeout_s: float) -> list[Prediction]:
        """One attempt."""
        try:
            answer = self._http.post(**self._endpoint.http_request(tensors, entity), timeout=timeout_s)
        except httpx.TransportError as error:
            raise no_connection(self._endpoint.url, error) from error
        return read_http(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncHttpSender:
    """The same for asyncio."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = httpx.AsyncClient(**endpoint.http_options())

    async def send(self, tensors: Sequence[Tensor], entity: str | None, timeout_s: float) -> list[Prediction]:
        """One attempt."""
        try:
            answer = await self._http.post(**self._endpoint.http_request(tensors, entity), timeout=timeout_s)
        except httpx.TransportError as error:
            raise no_connection(self._endpoint.url, error) from error
        return read_http(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class GrpcSender:
    """Binary tensors over HTTP/2."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        target, credentials = urlsplit(endpoint.url).netloc, endpoint.credentials()
        self._channel = grpc.secure_channel(target, credentials) if credentials else grpc.insecure_channel(target)
        self._infer = self._channel.unary_unary(INFER, **_GRPC_BYTES)

    def send(self, tensors: Sequence[Tensor], entity: str | None, timeout_s: float) -> list[Prediction]:
        """One attempt."""
        message = grpc_message(self._endpoint.model_name, tensors)
        try:
            answer, call = self._infer.with_call(message, timeout=timeout_s, metadata=self._endpoint.metadata(entity))
        except grpc.RpcError as error:
            raise grpc_refusal(self._endpoint.url, error, _headers(error.initial_metadata())) from error
        return read_grpc(answer, _headers(call.initial_metadata()))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


class AsyncGrpcSender:
    """The same for asyncio."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        target, credentials = urlsplit(endpoint.url).netloc, endpoint.credentials()
        self._channel = (
            grpc.aio.secure_channel(target, credentials) if credentials else grpc.aio.insecure_channel(target)
        )
        self._infer = self._channel.unary_unary(INFER, **_GRPC_BYTES)

    async def send(self, tensors: Sequence[Tensor], entity: str | None, timeout_s: float) -> list[Prediction]:
        """One attempt."""
        message = grpc_message(self._endpoint.model_name, tensors)
        call = self._infer(message, timeout=timeout_s, metadata=tuple(self._endpoint.metadata(entity)))
        try:
            answer = await call
        except grpc.RpcError as error:
            raise grpc_refusal(self._endpoint.url, error, _headers(await call.initial_metadata())) from error
        return read_grpc(answer, _headers(await call.initial_metadata()))

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()


def _entity(entity: str | None) -> dict[str, str]:
    return {} if entity is None else {ENTITY_HEADER: entity}


def _headers(metadata: Any) -> Mapping[str, str]:  # noqa: ANN401 - grpc has no types
    return {str(key): str(value) for key, value in metadata or ()}
