"""The two messages and the one call of the V2 protocol over gRPC that the client needs.

Made from field numbers here: `tritonclient` brings them too, but asks for another protobuf than Pulumi does.
Source: `grpc_predict_v2.proto` of the Open Inference Protocol.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

INFER = "/inference.GRPCInferenceService/ModelInfer"
_PACKAGE = "inference"
_MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    "InferTensor": {"name": (1, "string", False), "datatype": (2, "string", False), "shape": (3, "int64", True)},
    "ModelInferRequest": {
        "model_name": (1, "string", False),
        "id": (3, "string", False),
        "inputs": (5, "InferTensor", True),
        "raw_input_contents": (7, "bytes", True),
    },
    "ModelInferResponse": {
        "model_name": (1, "string", False),
        "outputs": (5, "InferTensor", True),
        "raw_output_contents": (6, "bytes", True),
    },
}
"""Message -> field -> number, type, repeated. What else a message holds is skipped."""


def _message(name: str, fields: dict[str, tuple[int, str, bool]]) -> DescriptorProto:
    kinds = FieldDescriptorProto
    message = DescriptorProto(name=name)
    for field, (number, kind, repeated) in fields.items():
        is_message = kind in _MESSAGES
        message.field.add(
            name=field,
            number=number,
            label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL,
            type=kinds.TYPE_MESSAGE if is_message else kinds.Type.Value(f"TYPE_{kind.upper()}"),
            type_name=f".{_PACKAGE}.{kind}" if is_message else None,
        )
    return message


def message_classes() -> tuple[Any, Any]:
    """(ModelInferRequest, ModelInferResponse)."""
    file = FileDescriptorProto(name="stillhouse/inference.proto", package=_PACKAGE, syntax="proto3")
    file.message_type.extend(_message(name, fields) for name, fields in _MESSAGES.items())
    pool = DescriptorPool()
    pool.Add(file)
    found = [pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in ("ModelInferRequest", "ModelInferResponse")]
    return GetMessageClass(found[0]), GetMessageClass(found[1])
