"""Development cross-check, needed neither to build nor to test: our engine against onnxruntime.

    scripts/check-onnx        # makes the environment and runs this

For every network of the zoo, the shipped model and every operator: `hyperconv export` writes the ONNX
file, a random input and the engine's output for it; onnxruntime runs the file on that input. Prints a
table and exits 1 where they disagree.

Weights: "untrained" are those of `export --network`. "drawn" are all random, biases, scales and slopes
too, which untrained ones leave at 0 and 1, at a scale that keeps activations near one.

Tolerance, from the data: both sides round in fp32, in another order each. How much a network magnifies
rounding shows when its input is moved by up to a unit of its last place: the output moves by `reaction`.
Each layer rounds as the input was, so that differences are a few times that (up to 6 were seen);
ROUNDINGS times are allowed, and at least 4 units in the last place of the output's rms. A wrong operator
moves the output by about its rms. Where the tolerance exceeds a thousandth of that, or the output does not
react at all because it is saturated, the comparison shows nothing and says so; of drawn weights that is
an error.
"""
import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROUNDINGS = 16
UNIT = 2.0**-24
SHOWS_NOTHING = "shows nothing"


# ---- Models, written here so that every weight is of our choice


def channels_of(nodes):
    """Channels of every node's output."""
    channels = []
    for node in nodes:
        inputs = [channels[i] for i in node["inputs"]]
        op = node["op"]
        if op in ("input", "side_input"):
            count = node["channels"]
        elif "out_channels" in node:
            count = node["out_channels"]
        elif op == "concat":
            count = sum(inputs)
        elif op == "photo_descriptor":
            count = 3 * inputs[0]
        elif op == "pixel_shuffle":
            count = inputs[0] // node["factor"]**2
        elif op == "haar2d":
            count = {"analysis": 4 * inputs[0], "low": inputs[0], "synthesis": inputs[0] // 4}[node["kind"]]
        else:
            count = inputs[0]
        channels.append(count)
    return channels


def shapes_of_weights(nodes):
    """Every learned array's shape by its name, as in graph.hpp."""
    channels, shapes = channels_of(nodes), {}
    for node in nodes:
        name, inputs = node["name"], [channels[i] for i in node["inputs"]]
        out, kernel = node.get("out_channels"), node.get("kernel")
        if node["op"] == "conv2d":
            shapes[name + ".weight"] = (out, inputs[0], kernel, kernel)
            if node.get("bias", True):
                shapes[name + ".bias"] = (out,)
        elif node["op"] == "hyper_conv2d":
            size = {"layer": inputs[0] + 1, "image": inputs[-1], "constant": node["constant_size"]}
            size = size[node["conditioning"]]
            shapes[name + ".weight"] = (out, inputs[0], kernel, kernel)
            shapes[name + ".bias"] = (out,)
            shapes[name + ".a1.weight"] = (node["hidden"], size)
            shapes[name + ".a1.bias"] = (node["hidden"],)
            shapes[name + ".a2.weight"] = (out * inputs[0] * kernel * kernel, node["hidden"])
            if node["conditioning"] == "constant":
                shapes[name + ".s"] = (size,)
        elif node["op"] == "conv_transpose2d":
            shapes[name + ".weight"] = (inputs[0], out, 2, 2)
            shapes[name + ".bias"] = (out,)
        elif node["op"] == "prelu":
            shapes[name + ".weight"] = (1,)
        elif node["op"] == "norm2d":
            shapes[name + ".weight"] = shapes[name + ".bias"] = (inputs[0],)
    return shapes


def drawn_values(name, shape, shapes, generator):
    fan_in = np.prod(shape[1:]) if len(shape) > 1 else 4
    scale = 1 / np.sqrt(fan_in)
    if name.endswith(".a2.weight"):  # a predicted change is about as large as W0
        filters = shapes[name.removesuffix(".a2.weight") + ".weight"]
        scale *= 1 / np.sqrt(np.prod(filters[1:]))
    values = generator.standard_normal(shape, dtype=np.float32)
    values *= np.float32(scale)
    return values


def write_drawn_model(path, graph, facts):
    """A model file of this graph (JSON text) with every weight random."""
    shapes = shapes_of_weights(json.loads(graph)["nodes"])
    header, end = {"__metadata__": {"format": "hyperconv-1", "graph": graph, **facts}}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = np.random.default_rng(1)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            file.write(drawn_values(name, shape, shapes, generator).tobytes())


def read_safetensors(path):
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    tensors = json.loads(data[8:8 + length])
    tensors.pop("__metadata__", None)
    body = data[8 + length:]
    return {name: np.frombuffer(body[slice(*t["data_offsets"])], np.float32).reshape(t["shape"])
            for name, t in tensors.items()}


# ---- One comparison


@dataclass
class Outcome:
    sizes: list
    difference: float = 0.0  # of the size at which it is the largest part of the tolerance
    rms: float = 0.0
    tolerance: float = 0.0
    problem: str = ""

    def add(self, other):
        self.sizes += other.sizes
        if self.problem in ("", SHOWS_NOTHING):
            self.problem = other.problem or self.problem
        if self.tolerance == 0 or other.difference * self.tolerance >= self.difference * other.tolerance:
            self.difference, self.rms, self.tolerance = other.difference, other.rms, other.tolerance

    @property
    def verdict(self):
        return self.problem or "agrees"


def run_onnx(session, values, side):
    return session.run(None, {"input": values, **side})[0]


def reaction(session, values, side, output):
    generator, farthest = np.random.default_rng(2), 0.0
    for _ in range(3):
        moved = values * (1 + UNIT * 2 * generator.uniform(-1, 1, values.shape))
        farthest = max(farthest, np.abs(run_onnx(session, moved.astype(np.float32), side) - output).max())
    return float(farthest)


def compare(session, sample):
    values, engine = sample.pop("input"), sample.pop("output")
    side = sample  # what is left
    output = run_onnx(session, values, side)
    size = "{}x{}".format(*values.shape[2:])
    if output.shape != engine.shape:
        return Outcome([size], problem=f"shape {output.shape}, ours {engine.shape}")
    rms = float(np.sqrt(np.mean(np.square(engine, dtype=np.float64))))
    moved = reaction(session, values, side, output)
    tolerance = max(ROUNDINGS * moved, 4 * 2 * UNIT * rms)
    result = Outcome([size], float(np.abs(output - engine).max()), rms, tolerance)
    if not np.isfinite(output).all() or not np.isfinite(engine).all():
        result.problem = "not finite"
    elif result.difference > tolerance:
        result.problem = "DISAGREES"
    elif tolerance > 1e-3 * rms or moved < 1e-6 * UNIT * rms:
        result.problem = SHOWS_NOTHING
    return result


class Checker:

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        folder.mkdir(parents=True, exist_ok=True)

    def export(self, source, size=None):
        """The facts that the program prints; files are in the folder."""
        command = [self.program, "export", *source, "--onnx", self.folder / "network.onnx", "--json"]
        if size:
            command += ["--sample", self.folder / "sample.safetensors", "--size", "{}x{}".format(*size)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(run.stderr.strip())
        return json.loads(run.stdout)

    def check(self, source, sizes):
        result = Outcome([])
        session = None
        for size in sizes:
            self.export(source, size)
            session = session or self.checked_session()  # the file does not depend on the size
            result.add(compare(session, read_safetensors(self.folder / "sample.safetensors")))
        return result

    def checked_session(self):
        path = self.folder / "network.onnx"
        onnx.checker.check_model(path, full_check=True)
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def check_drawn(self, graph, facts, sizes):
        model = self.folder / "drawn.safetensors"
        write_drawn_model(model, graph, facts)
        result = self.check(["--model", model], sizes)
        model.unlink()
        return result


# ---- What is compared


def networks_of(program):
    """As the program lists them where it does not know one."""
    run = subprocess.run([program, "export", "--network", "?", "--onnx", "none.onnx"],
                         capture_output=True, text=True)
    return run.stderr.strip().split("known are ")[1].split(", ")


def odd_sizes(facts):
    m = facts["size_multiple"]
    least = facts["smallest_height"], facts["smallest_width"]
    return [tuple(max(s, n * m) for s, n in zip(least, times)) for times in ((3, 5), (7, 3))]


def metadata_of(path):
    model = onnx.load(path)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    return facts["graph"], {key: facts[key] for key in ("task", "name", "summary", "data_licence")}


SIZES = [(1, 1), (1, 7), (6, 1), (5, 13), (9, 31)]
EVEN = [(2, 2), (2, 14), (6, 2), (8, 50)]


def graph_of(*nodes, channels=6):
    """A 1x1 convolution first, so that values of both signs arrive; operators name their inputs."""
    all_nodes = [{"name": "input", "op": "input", "channels": 4, "inputs": []},
                 {"name": "mix", "op": "conv2d", "out_channels": channels, "kernel": 1, "inputs": ["input"]}]
    all_nodes += nodes
    places = {node["name"]: i for i, node in enumerate(all_nodes)}
    for node in all_nodes:
        node["inputs"] = [places[name] for name in node["inputs"]]
    return json.dumps({"nodes": all_nodes})


def single(op, channels=6, **fields):
    return graph_of({"name": "node", "op": op, "inputs": ["mix"], **fields}, channels=channels)


def operators():
    """Title, graph and sizes: every operator with every one of its fields' values."""
    pairs = [(9, 9), (9, 10), (17, 31)]  # what a kernel of 9 can mirror in ONNX
    yield "conv2d 3, 5, zero padding", graph_of(
        {"name": "a", "op": "conv2d", "out_channels": 5, "kernel": 3, "inputs": ["mix"]},
        {"name": "b", "op": "conv2d", "out_channels": 3, "kernel": 5, "inputs": ["a"]}), SIZES
    yield "conv2d 3, no bias", single("conv2d", out_channels=5, kernel=3, bias=False), SIZES
    yield "conv2d 3, stride 2", single("conv2d", out_channels=5, kernel=3, stride=2), EVEN
    yield "conv2d 3, stride 2, reflect", single("conv2d", out_channels=5, kernel=3, stride=2,
                                                padding="reflect"), EVEN
    yield "conv2d 9, reflect", single("conv2d", out_channels=5, kernel=9, padding="reflect"), pairs
    yield "conv2d 1, reflect", single("conv2d", out_channels=5, kernel=1, padding="reflect"), SIZES
    for conditioning in ("layer", "constant"):
        for kernel in (1, 3):
            yield f"hyper_conv2d {kernel}, {conditioning}", single(
                "hyper_conv2d", out_channels=5, kernel=kernel, hidden=11, conditioning=conditioning,
                constant_size=7), SIZES
    yield "hyper_conv2d 3, image", graph_of(
        {"name": "s", "op": "photo_descriptor", "inputs": ["input"]},
        {"name": "node", "op": "hyper_conv2d", "out_channels": 5, "kernel": 3, "hidden": 11,
         "conditioning": "image", "constant_size": 1, "inputs": ["mix", "s"]}), SIZES
    yield "conv_transpose2d", single("conv_transpose2d", out_channels=5), SIZES
    yield "average_pool2d", single("average_pool2d"), EVEN
    yield "max_pool2d", single("max_pool2d"), EVEN
    for size in (1, 2, 3, 6):
        yield f"adaptive_average_pool2d {size}", single("adaptive_average_pool2d", size=size), SIZES
    yield "attention_pool", graph_of(
        {"name": "mask", "op": "conv2d", "out_channels": 1, "kernel": 1, "inputs": ["mix"]},
        {"name": "node", "op": "attention_pool", "inputs": ["mix", "mask"]}), SIZES
    yield "upsample2d", single("upsample2d"), SIZES
    for corners in (True, False):
        title = "bilinear2d, corners " + ("aligned" if corners else "not aligned")
        yield title, single("bilinear2d", align_corners=corners), SIZES
        yield title + ", like larger", graph_of(
            {"name": "up", "op": "upsample2d", "inputs": ["input"]},
            {"name": "like", "op": "upsample2d", "inputs": ["up"]},
            {"name": "node", "op": "bilinear2d", "align_corners": corners, "inputs": ["mix", "like"]}), SIZES
        yield title + ", like smaller", graph_of(
            {"name": "like", "op": "average_pool2d", "inputs": ["mix"]},
            {"name": "node", "op": "bilinear2d", "align_corners": corners, "inputs": ["mix", "like"]}), EVEN
        yield title + ", of parts", graph_of(
            {"name": "parts", "op": "adaptive_average_pool2d", "size": 3, "inputs": ["mix"]},
            {"name": "node", "op": "bilinear2d", "align_corners": corners, "inputs": ["parts", "mix"]}), SIZES
    yield "haar2d analysis", single("haar2d", kind="analysis"), EVEN
    yield "haar2d low", single("haar2d", kind="low"), EVEN
    yield "haar2d synthesis", single("haar2d", channels=12, kind="synthesis"), SIZES
    yield "pixel_shuffle 2", single("pixel_shuffle", channels=12, factor=2), SIZES
    yield "pixel_shuffle 3", single("pixel_shuffle", channels=18, factor=3), SIZES
    for op in ("add", "multiply"):
        yield op + " of equals", graph_of(
            {"name": "other", "op": "activation", "kind": "tanh", "inputs": ["mix"]},
            {"name": "node", "op": op, "inputs": ["mix", "other"]}), SIZES
        yield op + " of one pixel", graph_of(
            {"name": "mean", "op": "adaptive_average_pool2d", "size": 1, "inputs": ["mix"]},
            {"name": "node", "op": op, "inputs": ["mix", "mean"]}), SIZES
    yield "concat", graph_of(
        {"name": "other", "op": "activation", "kind": "relu", "inputs": ["input"]},
        {"name": "node", "op": "concat", "inputs": ["mix", "other", "input"]}), SIZES
    for kind in ("relu", "leaky_relu", "sigmoid", "tanh"):
        yield "activation " + kind, single("activation", kind=kind), SIZES
    yield "prelu", single("prelu"), SIZES
    # Of a single pixel the norm leaves nothing, and onnxruntime the rounding of its mean / sqrt(1e-5).
    yield "norm2d instance", single("norm2d", kind="instance"), SIZES[1:]
    yield "norm2d layer", single("norm2d", kind="layer"), SIZES
    yield "norm2d folded", single("norm2d", kind="folded"), SIZES
    yield "photo_descriptor", single("photo_descriptor"), SIZES


def print_row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def print_outcome(title, weights, outcome):
    share = outcome.difference / outcome.tolerance if outcome.tolerance else 0
    print_row(title, weights, ", ".join(outcome.sizes), f"{outcome.difference:.1e}", f"{outcome.rms:.2g}",
              f"{outcome.tolerance:.1e}", f"{share:.2f}", outcome.verdict)
    return outcome.verdict == "agrees" or (weights == "untrained" and outcome.verdict == SHOWS_NOTHING)


def main():
    parser = argparse.ArgumentParser(description="hyperconv's engine against onnxruntime")
    parser.add_argument("--program", default="build/release/hyperconv")
    parser.add_argument("--folder", type=Path, default=Path("build/check-onnx"), help="for files")
    parser.add_argument("--only", help="networks or operators whose title holds this")
    a = parser.parse_args()
    checker, fine = Checker(a.program, a.folder), True

    def wanted(title):
        return a.only is None or a.only in title

    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, numpy {np.__version__}\n")
    print_row("network", "weights", "sizes", "difference", "rms", "tolerance", "share", "verdict")
    print_row(*["---"] * 8)
    for name in filter(wanted, networks_of(a.program)):
        facts = checker.export(["--network", name])
        graph, info = metadata_of(checker.folder / "network.onnx")
        sizes = odd_sizes(facts)
        fine &= print_outcome(name, "untrained", checker.check(["--network", name], sizes))
        fine &= print_outcome(name, "drawn", checker.check_drawn(graph, info, sizes))
    for model in sorted(Path("models").glob("*.safetensors")):
        if wanted(model.stem):
            facts = checker.export(["--model", model])
            fine &= print_outcome(model.stem, "shipped", checker.check(["--model", model], odd_sizes(facts)))
    info = {"task": "develop", "name": "operator", "summary": "", "data_licence": ""}
    for title, graph, sizes in operators():
        if wanted(title):
            fine &= print_outcome(title, "drawn", checker.check_drawn(graph, info, sizes))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
