"""The authors' names beside ours, for each family of published networks."""

from collections.abc import Iterator

# One transformer layer.
_BLOCK = {
    "0.fn.norm": "norm_attention",
    "0.fn.fn.to_qkv": "query_key_value",
    "0.fn.fn.to_out.0": "output.0",
    "1.fn.norm": "mlp.0",
    "1.fn.fn.net.0": "mlp.1",
    "1.fn.fn.net.3": "mlp.4",
}

# Children of a backbone that the authors hold a second time, by number.
_ALIASES = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}

_HEAD = {"fc.1": "head.hidden", "top": "head.output"}
_TWO_BACKBONES = {
    "resnet_hor": "backbone.0.network",
    "resnet_ver": "backbone.1.network",
    "hor_feat_fc": "project.0",
    "ver_feat_fc": "project.1",
}
_ONE_BACKBONE = {"resnet": "backbone.0.network"}


def _blocks(theirs: str, ours: str, number: int) -> Iterator[tuple[str, str]]:
    for i in range(number):
        for their_part, our_part in _BLOCK.items():
            yield f"{theirs}.transformer_encoder.layers.{i}.{their_part}", f"{ours}.{i}.{our_part}"


def _ctt() -> dict[str, str]:
    stages = {"Transformer_1": ("before.0", 2), "Transformer_2": ("before.1", 2)}
    stages |= {"Transformer_x": ("after.0", 1), "Transformer_y": ("after.1", 1)}
    names = {
        **_TWO_BACKBONES,
        **_HEAD,
        "z_hor_encoder": "fusion.view_acuity.0.embed",
        "z_ver_encoder": "fusion.view_acuity.1.embed",
        "z_cva_encoder": "fusion.common_acuity.embed",
        "fc.0": "fusion.norm",
    }
    for theirs, (ours, number) in stages.items():
        names |= dict(_blocks(f"Transformer_layer.{theirs}", f"fusion.{ours}", number))
    return names


# Of each family: modules, or single tensors, by name; theirs -> ours.
MODULES: dict[str, dict[str, str]] = {
    "ctt": _ctt(),
    "ctt_f": _ctt(),
    "full_attention": {
        **_TWO_BACKBONES,
        **_HEAD,
        **dict(_blocks("Transformer_layer", "fusion.blocks", 6)),
        "reg_token": "fusion.read_out",
        "fc.0": "fusion.norm",
    },
    "late": {**_ONE_BACKBONE, "top": "head.output"},  # fc is taken apart
    "late_pva": {
        **_ONE_BACKBONE,
        "fc1": "project.0",
        "fc2": "project.1",
        "encoder": "fusion.acuity.embed",
        "fc3": "fusion.beside.0",
        "fc4": "fusion.beside.1",
        "fc": "fusion.join",
        "top": "head.output",
    },
    "single_view": {**_ONE_BACKBONE, "fc": "project.0", "top": "head.output"},
}

# Beginnings of what takes no part in any forward pass: layers that are built and not called.
_UNUSED = {
    "ctt": ("Transformer_layer.z_embedding.", "cva_fc.", "hor_reg_token", "ver_reg_token"),
    "full_attention": (
        "Transformer_layer.pos_embedding", "z_hor_encoder.", "z_ver_encoder.", "z_cva_encoder.",
        "cva_fc.", "hor_reg_token", "ver_reg_token",
    ),
}  # fmt: skip
_UNUSED["ctt_f"] = _UNUSED["ctt"]


def is_unused(family: str, name: str) -> bool:
    """Whether a tensor of theirs has no effect, such as the classifier of a backbone."""
    if any(name.startswith(f"{net}.fc.") for net in ("resnet", "resnet_hor", "resnet_ver")):
        return True
    return name.startswith(_UNUSED.get(family, ()))


def aliased(name: str) -> str | None:
    """The name of the tensor that this one repeats, if it is such a second name."""
    first, _, rest = name.partition(".")
    nets = {"feature_hor": "resnet_hor", "feature_ver": "resnet_ver"}
    nets |= dict.fromkeys(("feature_x", "feature_y", "feature"), "resnet")
    child, _, rest = rest.partition(".")
    if first not in nets or child not in _ALIASES:
        return None
    return f"{nets[first]}.{_ALIASES[child]}.{rest}"
