"""No network has anything read besides its own bytes; the package onnx is the oracle."""

import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ctt_net.errors import InputError
from ctt_net.io.onnx_file import MESSAGES, check_no_external_data
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.member import Member

FLOATS = TensorProto.FLOAT


def tensor(external, name="weights"):
    made = numpy_helper.from_array(np.ones(4, np.float32), name)
    if external:
        made.ClearField("raw_data")
        made.data_location = TensorProto.EXTERNAL
        for key, value in (("location", "secret.bin"), ("offset", "0"), ("length", "16")):
            made.external_data.add(key=key, value=value)
    return made


def graph(nodes=(), initializers=(), sparse=()):
    made = helper.make_graph(
        list(nodes), "g", [], [helper.make_tensor_value_info("y", FLOATS, [4])], list(initializers)
    )
    made.sparse_initializer.extend(sparse)
    return made


def constant(**attribute):
    return helper.make_node("Constant", [], ["y"], **attribute)


def sparse(values, indices):
    made = onnx.SparseTensorProto(dims=[4])
    made.values.CopyFrom(values)
    made.indices.CopyFrom(indices)
    return made


def in_initializer(one):
    return helper.make_model(graph(initializers=[one]))


def in_constant(one):
    return helper.make_model(graph([constant(value=one)]))


def in_branch(one):
    branch = graph([constant(value=one)])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=graph())
    return helper.make_model(graph([node]))


def in_nested_loops(one):
    made = graph([constant(value=one)])
    for _ in range(20):
        made = graph([helper.make_node("Loop", [], ["y"], body=made)])
    return helper.make_model(made)


def in_function(one):
    function = helper.make_function(
        "own", "f", [], ["y"], [constant(value=one)], [helper.make_opsetid("", 20)]
    )
    return helper.make_model(
        graph([helper.make_node("f", [], ["y"], domain="own")]), functions=[function]
    )


def in_default_of_a_function(one):
    model = in_function(tensor(external=False))
    model.functions[0].attribute_proto.append(helper.make_attribute("a", one))
    return model


def in_list_of_tensors(one):
    node = helper.make_node("Op", [], ["y"])
    node.attribute.append(helper.make_attribute("many", [one]))
    return helper.make_model(graph([node]))


def in_sparse_initializer(one):
    return helper.make_model(graph(sparse=[sparse(one, tensor(False))]))


def in_sparse_indices(one):
    return helper.make_model(graph(sparse=[sparse(tensor(False), one)]))


def in_sparse_attribute(one):
    return helper.make_model(graph([constant(sparse_value=sparse(one, tensor(False)))]))


def in_training(one):
    model = helper.make_model(graph())
    model.training_info.add().initialization.CopyFrom(graph(initializers=[one]))
    return model


PLACES = [
    in_initializer, in_constant, in_branch, in_function, in_default_of_a_function,
    in_list_of_tensors, in_sparse_initializer, in_sparse_indices, in_sparse_attribute, in_training,
    in_nested_loops,
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_weights_outside_are_refused_wherever_they_are_named(place, tmp_path):
    check_no_external_data(place(tensor(external=False)).SerializeToString(), tmp_path)
    with pytest.raises(InputError, match="external data"):
        check_no_external_data(place(tensor(external=True)).SerializeToString(), tmp_path)


@pytest.mark.parametrize("field", ["data_location", "external_data"])
def test_half_a_mark_is_enough(field, tmp_path):
    one = tensor(external=True)
    one.ClearField(field)
    with pytest.raises(InputError, match="external data"):
        check_no_external_data(in_constant(one).SerializeToString(), tmp_path)


@pytest.mark.parametrize("domain", ["com.microsoft", "com.microsoft.extensions", "mine"])
@pytest.mark.parametrize("deep", [False, True])
def test_operators_outside_of_the_standard_are_refused(domain, deep, tmp_path):
    node = helper.make_node("EPContext", [], ["y"], domain=domain, ep_cache_context="secret.bin")
    if deep:
        node = helper.make_node("If", ["c"], ["y"], then_branch=graph([node]), else_branch=graph())
    with pytest.raises(InputError, match=domain):
        check_no_external_data(helper.make_model(graph([node])).SerializeToString(), tmp_path)


@pytest.mark.parametrize("domain", ["com.microsoft", "org.pytorch.aten"])
def test_a_function_of_the_network_lets_no_operator_of_a_runtime_in(domain, tmp_path):
    model = in_function(tensor(external=False))
    node = helper.make_node("EPContext", [], ["z"], domain=domain, ep_cache_context="secret.bin")
    model.graph.node.append(node)
    model.functions[0].domain = model.graph.node[0].domain = domain
    with pytest.raises(InputError, match=domain):
        check_no_external_data(model.SerializeToString(), tmp_path)


def test_every_way_from_a_network_to_a_tensor_is_known():
    waiting, found = [onnx.ModelProto.DESCRIPTOR], {}
    while waiting:
        kind = waiting.pop()
        fields = [one for one in kind.fields if one.message_type]
        found[kind.name] = {one.number: one.message_type.name for one in fields}
        waiting += [one.message_type for one in fields if one.message_type.name not in found]
    reaching = {"TensorProto"}
    while more := {k for k, v in found.items() if reaching & set(v.values())} - reaching:
        reaching |= more
    assert {
        kind: {number: name for number, name in found[kind].items() if name in reaching}
        for kind in reaching
    } == MESSAGES


@pytest.mark.parametrize(
    "data",
    [
        b"\x08", b"\x3a\x05abc", b"\x0b\x0c", b"\x3a" + b"\xff" * 12, b"\x00\x00", b"\x07",
        # onnxruntime's own format, which it would recognise by these letters
        b"\x18\x00\x00\x00ORTM" + bytes(40),
        # a field number that a reader of 32 bits would take for 7, the graph
        b"\xba\x80\x80\x80\x90\x01\x00",
    ],
)  # fmt: skip
def test_what_is_no_network_is_refused(data, tmp_path):
    with pytest.raises(InputError, match=r"model\.onnx: no usable network"):
        check_no_external_data(data, tmp_path / "model.onnx")


def test_a_strangers_folder_with_right_digests_reads_no_file_of_the_working_directory(
    small_run, tmp_path, monkeypatch
):
    folder = shutil.copytree(small_run / "fold_1/model", tmp_path / "model")
    model = onnx.load(folder / "model.onnx")
    one = next(one for one in model.graph.initializer if len(one.raw_data) > 64)
    (tmp_path / "secret.bin").write_bytes(one.raw_data)
    one.ClearField("raw_data")
    one.data_location = TensorProto.EXTERNAL
    one.external_data.add(key="location", value="secret.bin")
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    seal(folder)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"model\.onnx: holds weights that lie in another file"):
        Member(folder)
