"""T2G-Former in plain numpy, row by row from its equations; shares nothing with the package."""

import numpy as np


def interpolate(at, score, value):
    """Straight lines between knots, level beyond them."""
    return np.interp(value, at, score)


def layer_norm(x, scale, shift):
    mean, variance = x.mean(), ((x - x.mean()) ** 2).mean()
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift


def tokens_of(eye, weights):
    """Tokens of one eye: the read-out first, then each covariate."""
    rows = [weights["readout"]]
    unknown = []
    for j, value in enumerate(eye):
        column = weights["columns"][j]
        unknown.append(bool(np.isnan(value)))
        if np.isnan(value):
            token = column["unknown"]
        elif "levels" in column:
            token = column["levels"][int(value)]
        else:
            token = interpolate(column["at"], column["score"], value) * column["slope"]
        rows.append(token + column["bias"])
    return np.array(rows), [False, *unknown]


def graph_of(z, layer, head, unknown):
    """One head's graph of one eye, an edge at a time."""
    n, heads = len(z), layer["heads"]
    width = z.shape[1] // heads
    part = slice(head * width, (head + 1) * width)
    projected = (z @ layer["W"].T + layer["W_bias"])[:, part]
    relation = layer["r"][part]
    graph = np.zeros((n, n))
    for i in range(n):
        worth = {}
        for j in range(1, n):
            if i == j or unknown[j]:
                continue
            a, c = layer["head"][head][i], layer["tail"][head][j]
            cosine = a @ c / (np.linalg.norm(a) * np.linalg.norm(c))
            if 1 / (1 + np.exp(-(cosine + layer["b"]))) > 0.5:
                worth[j] = (projected[i] * relation * projected[j]).sum() / np.sqrt(width)
        if worth:
            highest = max(worth.values())
            total = sum(np.exp(w - highest) for w in worth.values())
            for j, w in worth.items():
                graph[i, j] = np.exp(w - highest) / total
    return graph


def forward(covariates, weights):
    """Features (B, F, D), read-out (B, D) and graphs (B, layers, heads, n, n)."""
    features, readouts, graphs = [], [], []
    for eye in covariates:
        x, unknown = tokens_of(eye, weights)
        of_eye = []
        for number, layer in enumerate(weights["layers"]):
            z = x
            if number > 0:
                z = np.array([layer_norm(row, *layer["norm0"]) for row in x])
            value = z @ layer["V"].T + layer["V_bias"]
            width = x.shape[1] // layer["heads"]
            found = [graph_of(z, layer, h, unknown) for h in range(layer["heads"])]
            message = np.concatenate(
                [g @ value[:, h * width : (h + 1) * width] for h, g in enumerate(found)], axis=1
            )
            x = x + message @ layer["out"].T + layer["out_bias"]
            normed = np.array([layer_norm(row, *layer["norm1"]) for row in x])
            both = normed @ layer["lin0"].T + layer["lin0_bias"]
            a, b = np.split(both, 2, axis=1)
            x = x + (a * np.maximum(b, 0)) @ layer["lin1"].T + layer["lin1_bias"]
            of_eye.append(found)
        normed = np.maximum(layer_norm(x[0], *weights["norm"]), 0)
        readouts.append(weights["output"] @ normed + weights["output_bias"])
        features.append(x[1:])
        graphs.append(of_eye)
    return np.array(features), np.array(readouts), np.array(graphs)


def weights_of(encoder):
    """Read an encoder's numbers into the oracle's own layout."""
    state = {name: value.detach().double().numpy() for name, value in encoder.state_dict().items()}
    tokens = "tokens."
    columns, offset = [], 0
    for j, count in enumerate(encoder.levels):
        column = {
            "unknown": state[tokens + "unknown_embedding"][j],
            "bias": state[tokens + "column_embedding"][j],
        }
        if count:
            column["levels"] = state[tokens + "level_embedding"][offset : offset + count]
            offset += count
        else:
            start, per_unit, rise = (
                state[f"{tokens}scaler.{name}"][j] for name in ("start", "per_unit", "rise")
            )
            used = per_unit > 0
            last = start[used][-1] + 1 / per_unit[used][-1]
            column["at"] = np.append(start[used], last)
            lowest = state[tokens + "scaler.lowest"][j]
            column["score"] = lowest + np.append(0, rise[used].cumsum())
            column["slope"] = state[tokens + "number_embedding"][j]
        columns.append(column)
    layers = []
    for number, block in enumerate(encoder.blocks):
        own = {k.removeprefix(f"blocks.{number}."): v for k, v in state.items()
               if k.startswith(f"blocks.{number}.")}  # fmt: skip
        layer = {
            "heads": block.heads,
            "W": own["graph.project.weight"], "W_bias": own["graph.project.bias"],
            "r": own["graph.relation"], "b": own["graph.edge_bias"][0],
            "head": own["graph.head_embedding"], "tail": own["graph.tail_embedding"],
            "V": own["value.weight"], "V_bias": own["value.bias"],
            "out": own["output.weight"], "out_bias": own["output.bias"],
            "norm1": (own["norm_hidden.weight"], own["norm_hidden.bias"]),
            "lin0": own["widen.weight"], "lin0_bias": own["widen.bias"],
            "lin1": own["narrow.weight"], "lin1_bias": own["narrow.bias"],
        }  # fmt: skip
        if number > 0:
            layer["norm0"] = (own["norm_graph.weight"], own["norm_graph.bias"])
        layers.append(layer)
    return {
        "readout": state["readout"], "columns": columns, "layers": layers,
        "norm": (state["norm.weight"], state["norm.bias"]),
        "output": state["output.weight"], "output_bias": state["output.bias"],
    }  # fmt: skip
