"""One rival of `hyperconv bench`: loads a network once, then runs it whenever it is told to.

    rival.py --packages onnxruntime openvino torch     which of them are missing: one line of JSON
    rival.py ENGINE --model M --onnx F --input X --shape C H W --threads N --precision P [--tuned]

ENGINE is onnxruntime, openvino (both read the ONNX file of `hyperconv export`), torch or torch-compile
(both read the model file: graph and weights). X holds raw floats. Speaks in lines, each answer a JSON
object, {"error": ...} where something fails:

    (start)      -> {"version", "settings", "load_seconds"}
    run          -> {"seconds", "page_faults", "peak_rss_bytes"}
    write FILE   -> {"shape"}     the last output as raw floats

A run is what it is for every engine: from a planar fp32 picture in memory to a planar fp32 picture.
`--tuned`: what a careful user of that engine would set; malloc is tuned from outside (GLIBC_TUNABLES).
"""
import argparse
import importlib.util
import json
import os
import resource
import sys
import time

# The libraries print what they like; answers go where nobody else writes.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def answer(**facts):
    ANSWERS.write(json.dumps(facts) + "\n")


# ---- The model file, for torch


def read_model(path, torch):
    """The graph's nodes and the weights by name, in fp32."""
    import numpy as np
    data = np.memmap(path, np.uint8, "r")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:start].tobytes())
    nodes = json.loads(header.pop("__metadata__")["graph"])["nodes"]
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    weights = {}
    for name, facts in header.items():
        begin, end = facts["data_offsets"]
        stored = torch.frombuffer(bytearray(data[start + begin:start + end]), dtype=types[facts["dtype"]])
        weights[name] = stored.to(torch.float32).reshape(facts["shape"])
    return nodes, weights


def make_network(nodes, weights, torch):
    """The graph as a torch.nn.Module, node by node as graph.hpp says."""
    functional = torch.nn.functional
    activations = {
        "relu": torch.relu,
        "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
    }
    needed = {len(nodes) - 1}
    for number in range(len(nodes) - 1, -1, -1):
        if number in needed:
            needed.update(nodes[number]["inputs"])
    last_use = {i: number for number in sorted(needed) for i in nodes[number]["inputs"]}

    def log_scale(v):
        return (torch.log(v.clamp_min(0) + 1e-4) + 4) / 4

    def descriptor(x):
        x = x.float()
        mean = x.mean((2, 3))
        deviation = (x - mean[:, :, None, None]).square().mean((2, 3)).sqrt()
        gradient = (x[..., 1:] - x[..., :-1]).abs().mean((2, 3)) if x.shape[3] > 1 else torch.zeros_like(mean)
        return torch.cat([log_scale(v) for v in (mean, deviation, gradient)], 1)[:, :, None, None]

    def means_encoded(x):
        s = x.float().mean((2, 3))
        r = s.square().mean(1, True).sqrt() + 1e-6
        return torch.cat([s / r, torch.tanh(torch.log(r) / 4)], 1)

    def norm(kind, x, scale, bias):
        if kind != "folded":
            x = x.float()
            over = (2, 3) if kind == "instance" else (1, 2, 3)
            centred = x - x.mean(over, True)
            x = centred * torch.rsqrt(centred.square().mean(over, True) + 1e-5)
        return x * scale.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)

    def haar(kind, x):
        if kind == "synthesis":
            ll, hl, lh, hh = (x / 2).chunk(4, 1)
            pixels = [ll - hl - lh + hh, ll + hl - lh - hh, ll - hl + lh - hh, ll + hl + lh + hh]
            return functional.pixel_shuffle(torch.stack(pixels, 2).flatten(1, 2), 2)
        half = x / 2
        a, b, c, d = half[..., ::2, ::2], half[..., ::2, 1::2], half[..., 1::2, ::2], half[..., 1::2, 1::2]
        low = a + b + c + d
        return low if kind == "low" else torch.cat([low, b + d - a - c, c + d - a - b, a + d - b - c], 1)

    class Network(torch.nn.Module):

        def __init__(self):
            super().__init__()
            for name, value in weights.items():
                self.register_buffer(name.replace(".", "/"), value)

        def weight(self, node, role):
            return getattr(self, f"{node['name']}.{role}".replace(".", "/"), None)

        def hyper_conv2d(self, node, x):
            image = x[1].flatten(1) if len(x) > 1 else None
            encoded = {"layer": lambda: means_encoded(x[0]),
                       "image": lambda: image.float(),
                       "constant": lambda: self.weight(node, "s")[None]}[node["conditioning"]]()
            hidden = torch.relu(functional.linear(encoded, self.weight(node, "a1.weight"),
                                                  self.weight(node, "a1.bias")))
            filters = self.weight(node, "weight")
            filters = filters + functional.linear(hidden, self.weight(node, "a2.weight")).reshape(filters.shape)
            return functional.conv2d(x[0], filters.to(x[0].dtype), self.weight(node, "bias").to(x[0].dtype),
                                     padding=node["kernel"] // 2)

        def conv2d(self, node, x):
            border = node["kernel"] // 2
            if node.get("padding") == "reflect":
                x, border = functional.pad(x, (border,) * 4, mode="reflect"), 0
            return functional.conv2d(x, self.weight(node, "weight"), self.weight(node, "bias"),
                                     node.get("stride", 1), border)

        def step(self, node, x):
            op = node["op"]
            if op == "conv2d":
                return self.conv2d(node, x[0])
            if op == "hyper_conv2d":
                return self.hyper_conv2d(node, x)
            if op == "conv_transpose2d":
                return functional.conv_transpose2d(x[0], self.weight(node, "weight"), self.weight(node, "bias"), 2)
            if op == "average_pool2d":
                return functional.avg_pool2d(x[0], 2)
            if op == "max_pool2d":
                return functional.max_pool2d(x[0], 2)
            if op == "adaptive_average_pool2d":
                return functional.adaptive_avg_pool2d(x[0], node["size"])
            if op == "attention_pool":
                shares = torch.softmax(x[1].flatten(1), 1)[:, :, None]
                return (x[0].flatten(2) @ shares)[..., None]
            if op == "upsample2d":
                return functional.interpolate(x[0], scale_factor=2, mode="nearest")
            if op == "bilinear2d":
                size = x[1].shape[2:] if len(x) > 1 else (2 * x[0].shape[2], 2 * x[0].shape[3])
                return functional.interpolate(x[0], size, mode="bilinear", align_corners=node["align_corners"])
            if op == "haar2d":
                return haar(node["kind"], x[0])
            if op == "pixel_shuffle":
                return functional.pixel_shuffle(x[0], node["factor"])
            if op == "concat":
                return torch.cat(x, 1)
            if op == "add":
                return x[0] + x[1]
            if op == "multiply":
                return x[0] * x[1]
            if op == "activation":
                return activations[node["kind"]](x[0])
            if op == "prelu":
                return functional.prelu(x[0], self.weight(node, "weight").to(x[0].dtype))
            if op == "norm2d":
                return norm(node["kind"], x[0], self.weight(node, "weight"), self.weight(node, "bias"))
            if op == "photo_descriptor":
                return descriptor(x[0])
            if op == "side_input":  # how long a network takes does not depend on it
                return torch.zeros(1, node["channels"], 1, 1)
            raise RuntimeError(f"operator {op} is not known to rival.py")

        def forward(self, photo):
            values = {0: photo}
            for number in sorted(needed - {0}):
                node = nodes[number]
                values[number] = self.step(node, [values[i] for i in node["inputs"]])
                for i in node["inputs"]:
                    if last_use[i] == number:
                        values.pop(i, None)
            return values[len(nodes) - 1]

    return Network().eval()


# ---- The engines: each loader returns run() -> planar fp32 output, the version, and what was set


def load_onnxruntime(a, photo):
    import numpy as np
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = a.threads
    options.add_free_dimension_override_by_name("height", a.shape[1])
    options.add_free_dimension_override_by_name("width", a.shape[2])
    session = onnxruntime.InferenceSession(a.onnx, options, providers=["CPUExecutionProvider"])
    # How long a network takes does not depend on what stands beside the photo.
    inputs = {"input": photo, **{i.name: np.zeros(i.shape, np.float32)
                                 for i in session.get_inputs() if i.name != "input"}}
    if not a.tuned:
        return lambda: session.run(["output"], inputs)[0], onnxruntime.__version__, []
    binding = session.io_binding()
    output = None

    def run():
        nonlocal output
        if output is None:  # its shape is known once it is there
            output = session.run(["output"], inputs)[0]
            for name, values in inputs.items():
                binding.bind_cpu_input(name, values)
            binding.bind_output("output", "cpu", 0, np.float32, output.shape, output.ctypes.data)
        else:
            session.run_with_iobinding(binding)
        return output

    return run, onnxruntime.__version__, ["output bound"]


def load_openvino(a, photo):
    import openvino
    core = openvino.Core()
    network = core.read_model(a.onnx)
    network.reshape({"input": [1, *a.shape]})
    compiled = core.compile_model(network, "CPU", {
        "INFERENCE_NUM_THREADS": a.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[a.precision],
    })
    request = compiled.create_infer_request()
    import numpy as np
    inputs = {i.any_name: photo if i.any_name == "input" else np.zeros(list(i.shape), np.float32)
              for i in compiled.inputs}

    def run():
        return request.infer(inputs, share_inputs=True, share_outputs=True)[0]

    return run, openvino.__version__.split("-")[0], ["latency hint"]


def load_torch(a, photo, compiled=False):
    import torch
    torch.set_num_threads(a.threads)
    network = make_network(*read_model(a.model, torch), torch)
    settings = []
    if a.tuned:
        settings.append("channels-last")
        network = network.to(memory_format=torch.channels_last)
    forward = torch.compile(network) if compiled else network
    x = torch.from_numpy(photo)

    def run():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=a.precision == "bf16"):
            y = forward(x.contiguous(memory_format=torch.channels_last) if a.tuned else x)
            return y.float().contiguous().numpy()

    return run, torch.__version__, settings


LOADERS = {
    "onnxruntime": load_onnxruntime,
    "openvino": load_openvino,
    "torch": load_torch,
    "torch-compile": lambda a, photo: load_torch(a, photo, compiled=True),
}


# ---- The conversation


def peak_resident_bytes():
    # Not getrusage's: that one begins with the parent's.
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("/proc/self/status does not tell VmHWM")


def page_faults():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt + usage.ru_majflt


def converse(run):
    import numpy as np
    output = None
    for line in sys.stdin:
        command, _, path = line.rstrip("\n").partition(" ")
        if command == "run":
            faults = page_faults()
            start = time.perf_counter()
            output = run()
            seconds = time.perf_counter() - start
            answer(seconds=seconds, page_faults=page_faults() - faults, peak_rss_bytes=peak_resident_bytes())
        elif command == "write":
            np.ascontiguousarray(output, np.float32).tofile(path)
            answer(shape=list(output.shape))
        else:
            raise RuntimeError(f"no command is called {command}")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", nargs="?", choices=LOADERS)
    parser.add_argument("--packages", nargs="*")
    parser.add_argument("--model")
    parser.add_argument("--onnx")
    parser.add_argument("--input")
    parser.add_argument("--shape", nargs=3, type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--tuned", action="store_true")
    return parser.parse_args()


def main():
    a = parse()
    if a.packages is not None:
        answer(missing=[p for p in a.packages if importlib.util.find_spec(p) is None])
        return
    import numpy as np
    photo = np.fromfile(a.input, np.float32).reshape(1, *a.shape)
    start = time.perf_counter()
    run, version, settings = LOADERS[a.engine](a, photo)
    answer(version=version, settings=", ".join(settings), load_seconds=time.perf_counter() - start)
    converse(run)


try:
    main()
except Exception as error:  # whatever a library throws is the user's to read, in one line
    answer(error=" ".join(f"{type(error).__name__}: {error}".split())[:300])
