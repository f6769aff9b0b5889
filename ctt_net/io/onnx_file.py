"""Open an ONNX file; it may not hold anything that would be read from elsewhere.

A tensor may say that its numbers lie in another file (or at an address in memory), and onnxruntime
reads them relative to the working directory. An operator outside of the standard may do anything,
such as reading a compiled network or asking a service. Neither is in what training exports; a
file of unknown origin is checked before onnxruntime reads it. The package onnx, which could do it,
is for training only.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ctt_net.errors import InputError

if TYPE_CHECKING:
    import onnxruntime

# Which fields of a message (onnx.proto) hold further messages, down to tensors.
MESSAGES: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto", 6: "GraphProto", 10: "TensorProto", 11: "GraphProto",
        22: "SparseTensorProto", 23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {},
}  # fmt: skip
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # of TensorProto
_NODE_DOMAIN, _FUNCTION_DOMAIN = 7, 10
_STANDARD = {b"", b"ai.onnx", b"ai.onnx.ml"}
# Whoever defines a function there would let in the operators that a runtime has of that name.
_OF_RUNTIMES = (b"ai.", b"com.", b"org.")

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def open_onnx(path: Path, fix: str, threads: int = 0) -> "onnxruntime.InferenceSession":
    """Open a network of unknown origin.

    Args:
        path: Of the file.
        fix: For the message, where it holds no usable network.
        threads: Of one run; 0 = as many as there are cores.

    Raises:
        InputError: If it is missing, damaged, or would have something else read.
    """
    import onnxruntime

    if not path.is_file():
        raise InputError(f"{path}: no such file; {fix}")

    onnxruntime.disable_telemetry_events()  # a program may have imported it before `ctt_net`
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Its own format has no check of ours; a file in it would be loaded unchecked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Threads that spin while they wait for work cost half as much again on a shared machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    data = path.read_bytes()
    check_no_external_data(data, path)
    try:
        return onnxruntime.InferenceSession(
            data, options, providers=onnxruntime.get_available_providers()
        )
    except Exception as error:  # onnxruntime has no base class of its own
        reason = str(error).splitlines()[0][:160]
        raise InputError(f"{path}: no usable network ({reason}); {fix}") from None


def check_no_external_data(data: bytes, path: Path) -> None:
    """Refuse a network that would have something read besides its own bytes.

    Args:
        data: Contents of the file.
        path: For the message.

    Raises:
        InputError: If it is such a network, or no ONNX file.
    """
    operators: set[bytes] = set()
    functions: set[bytes] = set()
    waiting = [("ModelProto", memoryview(data))]
    try:
        while waiting:
            kind, message = waiting.pop()
            for field, value in _fields(message):
                inner = MESSAGES[kind].get(field)
                if kind == "TensorProto" and (
                    field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value != 0)
                ):
                    raise InputError(
                        f"{path}: holds weights that lie in another file (external data), which a "
                        f"model folder may not; export it with all weights inside"
                    )
                if isinstance(value, int):
                    continue
                if inner is not None:
                    waiting.append((inner, value))
                elif (kind, field) == ("NodeProto", _NODE_DOMAIN):
                    operators.add(bytes(value))
                elif (kind, field) == ("FunctionProto", _FUNCTION_DOMAIN):
                    functions.add(bytes(value))
    except (ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: no usable network (damaged); export it again") from None
    functions = {domain for domain in functions if not domain.startswith(_OF_RUNTIMES)}
    foreign = sorted(operators - _STANDARD - functions)
    if foreign:
        raise InputError(
            f"{path}: has operators of {foreign[0].decode(errors='replace')!r}, which are not of "
            f"the ONNX standard and could read other files; export it with standard ones"
        )


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a protobuf message.

    Raises:
        ValueError: If it is none, as `IndexError` where it ends too early.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, wire = tag >> 3, tag & 7
        if not 0 < field < 1 << 29:  # a reader in C++ would take the lower bits for a number
            raise ValueError("no field number")
        value: int | memoryview
        if wire == _VARINT:
            value, place = _varint(message, place)
        else:
            if wire == _BYTES:
                size, place = _varint(message, place)
            elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
                size = 8 if wire == _EIGHT_BYTES else 4
            else:
                raise ValueError("a group, which ONNX has none of")
            if place + size > len(message):
                raise ValueError("ends too early")
            value, place = message[place : place + size], place + size
        yield field, value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number without end")
