"""From a trained network to a model folder that needs no torch."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors.torch import save
from torch import Tensor, nn

from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.onnx_file import check_no_external_data
from ctt_net.model_folder.member import ONNX_FILE, OUTPUTS
from ctt_net.models import MultiViewNet
from ctt_net.training.architecture import WEIGHTS_FILE

OPSET = 20
# The last one only where the network takes covariates.
INPUTS = ("views", "view_present", "preop_logmar", "covariates")

# A value within a graph is called after its operation, and one of those is `embedding`, too.
_WHILE_TRACING = "embedding_of_the_eye"


class _Plain(nn.Module):
    """The network with a plain tuple out, which is what an exporter understands."""

    def __init__(self, network: MultiViewNet) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        views: Tensor,
        view_present: Tensor,
        preop_logmar: Tensor,
        covariates: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        prediction, embedding = self.network.with_embedding(
            views, view_present, preop_logmar, covariates
        )
        return (
            prediction.postop_logmar,
            prediction.scale_logmar,
            prediction.recovery_logit,
            embedding,
        )


def export_weights(network: MultiViewNet, folder: Path) -> None:
    """Write `model.safetensors`."""
    state = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    atomic_write(folder / WEIGHTS_FILE, save(state))


def export_onnx(
    network: MultiViewNet, folder: Path, height: int, width: int, like: Path | None = None
) -> None:
    """Write `model.onnx`, in float32, for any number of eyes, and check that its outputs agree.

    Args:
        network: In any mode and on any device; left as it was.
        folder: Model folder.
        height: Rows of a preprocessed scan.
        width: Columns.
        like: `model.onnx` of the same architecture, such as another fold's: its graph is taken over
            and only the weights are replaced, since tracing one takes as long as some trainings.

    Raises:
        RuntimeError: If the exported network does not agree with the trained one.
    """
    was_training = network.training
    device = next(network.parameters()).device
    plain = _Plain(network).cpu().float().eval()
    try:
        example = _example(network, height, width)
        data = _taken_over(like, plain, example) if like is not None else None
        if data is None:
            data = _trace(plain, example).SerializeToString()
            _compare(plain, data, example)
    finally:
        network.train(was_training).to(device)
    atomic_write(folder / ONNX_FILE, data)


def _example(network: MultiViewNet, height: int, width: int) -> tuple[Tensor, ...]:
    """Eyes with everything, with one view, and with nothing known."""
    V = network.num_views
    generator = torch.Generator().manual_seed(0)
    views = torch.randint(0, 256, (3, V, 1, height, width), dtype=torch.uint8, generator=generator)
    present = torch.zeros(3, V, dtype=torch.bool)
    present[0] = True
    present[1, 0] = True
    example = (views, present, torch.tensor([0.5, 1.0, torch.nan]))
    if network.covariates is None:
        return example
    # Each known in the first eye, every second one in the next; 1 is a level and a number alike.
    covariates = torch.ones(3, network.covariates.num_covariates)
    covariates[1, ::2] = torch.nan
    covariates[2] = torch.nan
    return (*example, covariates)


def _taken_over(like: Path, plain: nn.Module, example: tuple[Tensor, ...]) -> bytes | None:
    """Another fold's graph with these weights, or None if it cannot hold them.

    The exporter merges tensors that are equal, such as the scales of a covariate that nobody of
    that fold has; in another fold they may differ.
    """
    try:
        data = _with_weights(like, plain).SerializeToString()
        _compare(plain, data, example)
    except Exception:  # whatever a damaged file makes onnx say: it was not needed
        return None
    return data


def _trace(plain: nn.Module, example: tuple[Tensor, ...]) -> onnx.ModelProto:
    eyes = torch.export.Dim("eyes", min=1)
    with quiet_exporter():
        program = torch.onnx.export(
            plain,
            example,
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=tuple({0: eyes} for _ in example),
            input_names=list(INPUTS[: len(example)]),
            output_names=[*OUTPUTS[:-1], _WHILE_TRACING],
            optimize=False,  # it would fold weights into new constants; onnxruntime does it on load
            verbose=False,
        )
    return without_traces(_without_zero_biases(_with_final_names(program.model_proto)))


def _without_zero_biases(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take out the zeros that the exporter computes for a convolution without a bias.

    They are in the way where onnxruntime folds batch norm into the convolution before it.
    """
    made_by = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type != "Conv" or len(node.input) < 3:
            continue
        source = made_by.get(node.input[2])
        while source is not None and source.op_type in ("Expand", "CastLike"):
            source = made_by.get(source.input[0])
        if source is None or source.op_type != "Constant":
            continue
        if not onnx.numpy_helper.to_array(source.attribute[0].t).any():
            del node.input[2]
    return model


def _with_final_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give the last output its name, which another value of the graph may bear."""
    final = {OUTPUTS[-1]: f"{OUTPUTS[-1]}_of_a_level", _WHILE_TRACING: OUTPUTS[-1]}
    graph = model.graph
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [final.get(name, name) for name in names]
    for value in (*graph.value_info, *graph.output):
        value.name = final.get(value.name, value.name)
    return model


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take out where each node came from: stack traces with the paths of this machine."""
    graphs = [model.graph, *model.functions]
    for part in [*graphs, *(node for graph in graphs for node in graph.node)]:
        del part.metadata_props[:]
        part.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
        tensor.doc_string = ""
    return model


def _with_weights(like: Path, plain: nn.Module) -> onnx.ModelProto:
    data = like.read_bytes()
    check_no_external_data(data, like)
    model = onnx.load_model_from_string(data)
    state = {**dict(plain.named_parameters()), **dict(plain.named_buffers())}
    for tensor in model.graph.initializer:
        if tensor.name in state:
            array = state[tensor.name].detach().numpy()
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return model


def _compare(plain: nn.Module, data: bytes, example: tuple[Tensor, ...]) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every constant that it cannot fold
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    # Where a network fixes the number of eyes, such as by `len`, the exporter does so in silence.
    if any(isinstance(node.shape[0], int) for node in session.get_inputs()):
        raise RuntimeError("the exported network takes only as many eyes as it was traced with")
    given = [node.name for node in session.get_outputs()]
    if given != list(OUTPUTS):  # such as a fold's that an older version traced
        raise RuntimeError(f"the exported network gives {given} instead of {list(OUTPUTS)}")
    feeds = {name: tensor.numpy() for name, tensor in zip(INPUTS, example, strict=False)}
    with torch.inference_mode():
        expected = [tensor.numpy() for tensor in plain(*example)]
    for name, ours, theirs in zip(OUTPUTS, expected, session.run(None, feeds), strict=True):
        if not np.allclose(ours, theirs, rtol=1e-3, atol=1e-3):
            raise RuntimeError(
                f"the exported network disagrees with the trained one in {name}: "
                f"{theirs} instead of {ours}"
            )


@contextlib.contextmanager
def quiet_exporter() -> Iterator[None]:
    """The exporter prints its progress and warns of its own internals; nobody can act on either."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
