"""The published forward passes written out on plain tensors, and weights in the authors' naming.

No module of this project is used and no transformer module of anybody; torchvision's ResNet-18 is
the oracle of the backbone.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torchvision.models import resnet18

DIM, HEADS, HEAD_DIM = 128, 4, 128


class Names:
    """Makes random weights under the authors' names."""

    def __init__(self, seed=0):
        self.generator = torch.Generator().manual_seed(seed)
        self.state = {}

    def random(self, *shape, scale=1.0):
        return scale * torch.randn(*shape, generator=self.generator)

    def linear(self, name, inner, outer, bias=True):
        self.state[f"{name}.weight"] = self.random(outer, inner, scale=inner**-0.5)
        if bias:
            self.state[f"{name}.bias"] = self.random(outer, scale=0.3)

    def norm(self, name):
        self.state[f"{name}.weight"] = 1 + self.random(DIM, scale=0.3)
        self.state[f"{name}.bias"] = self.random(DIM, scale=0.3)

    def resnet(self, name, *second_names):
        torch.manual_seed(int(torch.randint(0, 10**6, (), generator=self.generator)))
        net = resnet18()
        for key, value in net.state_dict().items():
            if key.endswith("running_var"):
                value = 0.5 + torch.rand(value.shape, generator=self.generator)
            elif key.endswith("num_batches_tracked"):
                value = torch.tensor(7)
            elif value.ndim == 1 and "fc" not in key:
                value = value + self.random(*value.shape, scale=0.2)
            self.state[f"{name}.{key}"] = value
        children = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
        for second in second_names:
            for child, number in children.items():
                for key in net.state_dict():
                    if key.split(".")[0] == child:
                        rest = key.partition(".")[2]
                        self.state[f"{second}.{number}.{rest}"] = self.state[f"{name}.{key}"]

    def transformer(self, name, depth):
        for i in range(depth):
            layer = f"{name}.transformer_encoder.layers.{i}"
            self.norm(f"{layer}.0.fn.norm")
            self.linear(f"{layer}.0.fn.fn.to_qkv", DIM, 3 * HEADS * HEAD_DIM, bias=False)
            self.linear(f"{layer}.0.fn.fn.to_out.0", HEADS * HEAD_DIM, DIM)
            self.norm(f"{layer}.1.fn.norm")
            self.linear(f"{layer}.1.fn.fn.net.0", DIM, 4 * DIM)
            self.linear(f"{layer}.1.fn.fn.net.3", 4 * DIM, DIM)


def random_state(family, seed=0):
    """All names of a published network, those without effect among them."""
    names = Names(seed)
    if family in ("ctt", "ctt_f", "full_attention"):
        names.resnet("resnet_hor", "feature_hor")
        names.resnet("resnet_ver", "feature_ver")
        for layer in ("z_hor_encoder", "z_ver_encoder", "z_cva_encoder"):
            names.linear(layer, 1, DIM)
        for layer in ("hor_feat_fc", "ver_feat_fc"):
            names.linear(layer, 512, DIM)
        names.norm("fc.0")
        names.linear("fc.1", DIM, DIM)
    if family in ("ctt", "ctt_f"):
        for stage, depth in (("1", 2), ("2", 2), ("x", 1), ("y", 1)):
            names.transformer(f"Transformer_layer.Transformer_{stage}", depth)
        names.linear("Transformer_layer.z_embedding", 1, DIM)
        names.linear("cva_fc", 256, 16)
        names.state["hor_reg_token"] = names.random(1, 1)
        names.state["ver_reg_token"] = names.random(1, 1)
    elif family == "full_attention":
        names.transformer("Transformer_layer", 6)
        names.state["Transformer_layer.pos_embedding"] = names.random(1, 66, DIM)
        names.state["reg_token"] = names.random(1, 1, DIM)
    else:
        names.resnet("resnet", "feature_x", "feature_y")
    if family == "late":
        names.linear("fc", 1024, DIM)
    elif family == "late_pva":
        for layer, inner in (("fc1", 512), ("fc2", 512), ("fc3", 384), ("fc4", 384), ("fc", 384)):
            names.linear(layer, inner, DIM)
        names.linear("encoder", 1, DIM)
    elif family == "single_view":
        names.linear("fc", 512, DIM)
    names.linear("top", DIM, 1)
    return names.state


class Oracle:
    """The forward passes."""

    def __init__(self, state):
        self.state = state

    def linear(self, name, x):
        return F.linear(x, self.state[f"{name}.weight"], self.state.get(f"{name}.bias"))

    def norm(self, name, x):
        weight, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight + bias

    def resnet(self, name, picture):
        net = resnet18()
        prefix = f"{name}."
        own = {k[len(prefix) :]: v for k, v in self.state.items() if k.startswith(prefix)}
        net.load_state_dict(own)
        net.fc = torch.nn.Identity()
        return net.eval()(picture)

    def transformer(self, name, depth, tokens):
        for i in range(depth):
            layer = f"{name}.transformer_encoder.layers.{i}"
            qkv = self.linear(
                f"{layer}.0.fn.fn.to_qkv", self.norm(f"{layer}.0.fn.norm", tokens)
            ).chunk(3, dim=-1)
            q, k, v = (part.unflatten(-1, (HEADS, HEAD_DIM)).transpose(1, 2) for part in qkv)
            attention = torch.softmax(q @ k.transpose(-1, -2) * DIM**-0.5, dim=-1)
            mixed = (attention @ v).transpose(1, 2).flatten(2)
            tokens = tokens + self.linear(f"{layer}.0.fn.fn.to_out.0", mixed)
            inner = self.linear(f"{layer}.1.fn.fn.net.0", self.norm(f"{layer}.1.fn.norm", tokens))
            inner = 0.5 * inner * (1 + torch.erf(inner / 2**0.5))  # GELU
            tokens = tokens + self.linear(f"{layer}.1.fn.fn.net.3", inner)
        return tokens

    def stage(self, name, depth, *row):
        return self.transformer(f"Transformer_layer.Transformer_{name}", depth, torch.stack(row, 1))

    def ctt(self, h, v, z):
        x, y = self._images(h, v)
        t1, t2, c = (self.linear(f"z_{key}_encoder", z) for key in ("hor", "ver", "cva"))
        x, t1, _ = self.stage("1", 2, x, t1, c).unbind(1)
        y, t2, _ = self.stage("2", 2, y, t2, c).unbind(1)
        for _ in range(4):
            t1, t2 = t2, t1
            x, t1, _ = self.stage("x", 1, x, t1, c).unbind(1)
            y, t2, _ = self.stage("y", 1, y, t2, c).unbind(1)
        return self._read((t1 + t2) / 2)

    def ctt_f(self, h, v, z):
        x, y = self._images(h, v)
        t1, t2, c = (self.linear(f"z_{key}_encoder", z) for key in ("hor", "ver", "cva"))
        x, c1, t1 = self.stage("1", 2, x, c, t1).unbind(1)
        y, c2, t2 = self.stage("2", 2, y, c, t2).unbind(1)
        for _ in range(6):
            t1, t2 = t2, t1
            x, c1, t1 = self.stage("x", 1, x, c1, t1).unbind(1)
            y, c2, t2 = self.stage("y", 1, y, c2, t2).unbind(1)
        return self._read((t1 + t2) / 2)

    def full_attention(self, h, v, z):
        x, y = self._images(h, v)
        token = self.state["reg_token"][0].expand(len(z), DIM)
        row = self.transformer("Transformer_layer", 6, torch.stack([token, x, y], 1))
        return self._read(row[:, 0])

    def late(self, h, v, z):
        both = torch.cat([self.resnet("resnet", h), self.resnet("resnet", v)], dim=1)
        return self.linear("top", torch.relu(self.linear("fc", both)))

    def late_pva(self, h, v, z):
        x = self.linear("fc1", self.resnet("resnet", h))
        y = self.linear("fc2", self.resnet("resnet", v))
        zz = self.linear("encoder", z)
        xx = self.linear("fc3", torch.cat([x, (x + y) / 2, zz], dim=1))
        yy = self.linear("fc4", torch.cat([y, (x + y) / 2, zz], dim=1))
        joined = self.linear("fc", torch.cat([xx, yy, zz], dim=1))
        return self.linear("top", torch.relu(joined))

    def single_view_h(self, h, v, z):
        return self.linear("top", torch.relu(self.linear("fc", self.resnet("resnet", h))))

    def single_view_v(self, h, v, z):
        return self.single_view_h(v, h, z)

    def _images(self, h, v):
        return (
            self.linear("hor_feat_fc", self.resnet("resnet_hor", h)),
            self.linear("ver_feat_fc", self.resnet("resnet_ver", v)),
        )

    def _read(self, token):
        hidden = torch.relu(self.linear("fc.1", self.norm("fc.0", token)))
        return self.linear("top", hidden)

    def __call__(self, variant, h, v, z):
        """What the published network returns, and the sum before any sigmoid; z (B, 1)."""
        name = variant.removesuffix("_s")
        d = getattr(self, name)(h, v, z)
        if variant != name or name in ("ctt", "late_pva"):
            post = 1.5 / (1 + torch.exp(-(d + z)))
            return (post, post - z, post - z - 0.2), d + z
        if name == "ctt_f":
            return (d + z, d, d - 0.2), d + z
        return (d + z, d, d), d + z
