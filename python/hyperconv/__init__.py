"""A camera's mosaic or a noisy photo in, a clean picture out.

    picture = hyperconv.develop(hyperconv.read_raw("photo.nef"))     # [H, W, 3], uint16
    clean = hyperconv.denoise(photo, strength=0.8)                   # the photo's shape and dtype

Arrays are uint8, uint16 or float32, [height, width] or [height, width, channels]. They are handed to
the library as they are, with any distance between rows; only where the samples of a row do not lie
beside one another is one copied. The GIL is released while the library works, Ctrl-C
(KeyboardInterrupt) ends a call, and so does a `progress` function that returns False; what was
ended has written nothing. Any number of threads may call; calls with the same model and number
of threads take turns.
"""

import functools as _functools
import os as _os

import numpy as _np

from . import _hyperconv
from ._errors import (
    BadArgument,
    BadFile,
    Cancelled,
    Error,
    FileError,
    OutOfMemory,
    Unsupported,
)

__all__ = [
    "BadArgument",
    "BadFile",
    "Cancelled",
    "Error",
    "FileError",
    "OutOfMemory",
    "RawFile",
    "Unsupported",
    "denoise",
    "denoise_file",
    "develop",
    "develop_file",
    "info",
    "read_raw",
    "shipped_model",
]

__version__ = _hyperconv.version()

RawFile = _hyperconv.RawFile
# An object keeps its model and its buffers for the next call.
_develops = _functools.lru_cache(maxsize=4)(_hyperconv.Develop)
_denoises = _functools.lru_cache(maxsize=4)(_hyperconv.Denoise)


def _object_for(cache, model, threads, memory, *more):
    return cache(_os.fspath(model) if model is not None else "", threads, memory, *more)


def _develop_for(model, threads, memory, again=False):
    return _object_for(_develops, model, threads, memory, again)


def _samples(array, name):
    """The array itself where its rows are dense, else a copy."""
    array = _np.asarray(array)
    if array.ndim not in (2, 3):
        raise BadArgument(f"the {name} has {array.ndim} dimensions; [height, width] or "
                          "[height, width, channels] is needed")
    row = array[:1]
    is_dense = row.flags.c_contiguous and (array.shape[0] < 2 or array.strides[0] >= row.nbytes)
    return array if is_dense else _np.ascontiguousarray(array)


def _output(out, shape, dtype):
    if out is None:
        return _np.empty(shape, dtype)
    if not isinstance(out, _np.ndarray):
        raise BadArgument(f"out is a {type(out).__name__}; a numpy array is needed")
    return out


def _four(black):
    return [float(level) for level in _np.broadcast_to(_np.asarray(black, float).ravel(), 4)]


def _facts(mosaic, x_trans=None, **given):
    """The samples, what is true of them, and whether that is a file's alone."""
    is_file = isinstance(mosaic, RawFile)
    is_files_own = is_file and x_trans is None and all(value is None for value in given.values())
    if is_file:
        given = {name: getattr(mosaic, name) if value is None else value
                 for name, value in given.items()}
        x_trans = mosaic.x_trans if x_trans is None else x_trans
    samples = mosaic.samples if is_file else _samples(mosaic, "mosaic")
    white, xyz_to_camera, noise = given["white"], given["xyz_to_camera"], given["noise"]
    if white is None:
        white = 1.0 if samples.dtype.kind == "f" else float(_np.iinfo(samples.dtype).max)
    if xyz_to_camera is not None:
        xyz_to_camera = _np.asarray(xyz_to_camera, float).reshape(3, 3).tolist()
    cfa = given["cfa"] or "rggb"
    if x_trans is not None and cfa != "x-trans":
        raise BadArgument(f'x_trans has no meaning for the pattern "{cfa}"; cfa="x-trans" is its')
    try:
        balance = given["white_balance"]
        facts = _hyperconv.Facts(
            cfa, _four(0 if given["black"] is None else given["black"]), white,
            list((1, 1, 1) if balance is None else balance), xyz_to_camera,
            None if noise is None else list(noise), list((0, 0) if x_trans is None else x_trans))
    except TypeError:
        raise BadArgument("a fact of the mosaic is of the wrong kind: cfa is a word, white a number, "
                          "white_balance three, noise and x_trans two") from None
    return samples, facts, is_files_own


def _balance(balance, grey):
    if grey is not None:
        if balance != "as-shot":
            raise BadArgument("balance and grey both say what is grey; leave one of them out")
        return "grey", _two(grey, "grey is a place x, y")
    if isinstance(balance, str):
        if balance not in ("as-shot", "auto"):
            raise BadArgument(f'"{balance}" is no balance; "as-shot", "auto", a number of kelvin, or '
                              "kelvin and tint are")
        return balance, (0, 0)
    numbers = _np.asarray(balance, float).ravel()
    return "light", _two(numbers if numbers.size != 1 else (numbers[0], 0),
                         "balance is \"as-shot\", \"auto\", a number of kelvin, or kelvin and tint")


def _two(values, what):
    try:
        first, second = (float(value) for value in values)
    except (TypeError, ValueError):
        raise BadArgument(what) from None
    return first, second


def _size(resize):
    if resize is None:
        return None
    if isinstance(resize, (int, _np.integer)) and not isinstance(resize, bool):
        return "side", (resize, 0)
    if isinstance(resize, (float, _np.floating)):
        return "share", (resize, 0)
    return "within", _two(resize, "resize is the longer side, a share like 0.5, or what to fit "
                                  "into, (width, height)")


def _options(strength, balance, grey, exposure, highlights, colour_space, lens, part, crop, rotate,
             resize):
    wanted_balance, size = _balance(balance, grey), _size(resize)
    try:
        return _hyperconv.PictureOptions(
            _strengths(strength), wanted_balance, exposure, highlights, colour_space, lens or "none",
            None if part is None else [int(value) for value in part], crop,
            None if rotate == "auto" else rotate, size)
    except (TypeError, ValueError) as error:
        if isinstance(error, Error):
            raise
        raise BadArgument("an option of the picture is of the wrong kind: exposure is a number, "
                          "highlights, colour_space, lens and crop are words, part is x, y, width, "
                          "height, rotate \"auto\" or degrees") from None


def develop(mosaic, *, cfa=None, x_trans=None, black=None, white=None, white_balance=None,
            xyz_to_camera=None, noise=None, strength=1.0, balance="as-shot", grey=None, exposure=0.0,
            highlights="clip", colour_space="srgb", lens="none", part=None, crop="active", rotate=0,
            resize=None, camera_rgb=False, out=None, dtype=None, model=None, threads=0, memory=None,
            progress=None):
    """Develops a mosaic: [H, W], or what read_raw gives.

    What is true of it:
    cfa            "rggb", "bggr", "grbg", "gbrg" or "x-trans"
    x_trans        row and column, 0 to 5, of Fujifilm's pattern where the first sample stands; the
                   pattern begins GGRGGB GGBGGR BRGRBG GGBGGR GGRGGB RBGBRG; default: 0, 0
    black          level of no light, or four: at (0,0) (0,1) (1,0) (1,1)
    white          level at which a sample is saturated; default: the most that the dtype holds, or 1
    white_balance  multipliers that make a grey grey, R G B
    xyz_to_camera  3x3, XYZ (D65) to camera RGB, as in DNG's ColorMatrix; default: linear sRGB
    noise          (shot, read): the variance of a sample x in [0,1] is shot * x + read; default:
                   estimated from the samples where the model is told it

    The picture that is wanted (docs/rendering.md):
    strength       share of the noise that is removed, 0 to 1, or two: of luma and of colour; the rest
                   is the photo's own grain, and takes twice the time
    balance        "as-shot", "auto", kelvin (2000 to 15000), or kelvin and tint (-150 to 150)
    grey           instead of it a grey place: x, y in pixels of the upright picture
    exposure       stops by which it is brighter, -10 to 10
    highlights     "clip", "blend" or "rebuild"
    colour_space   "srgb", "display-p3", "adobe-rgb", "prophoto" or "rec2020"
    lens           "none", "auto" or a lens of Lensfun's; of what read_raw gives
    part           x, y, width, height: only these pixels, as in the whole picture
    crop           "active" or "camera"; of what read_raw gives
    rotate         degrees clockwise: 0, 90, 180, 270, or "auto": as the file of read_raw says
    resize         the longer side, a share like 0.5, or what to fit into: width, height
    camera_rgb     the camera's linear RGB in float32 instead of such a picture

    out            the array to write into; default: a new one of `dtype` (uint16)
    model          a file; default: the one that is shipped
    threads        default: all the cores that this process may use
    memory         bytes that the work may take; a mosaic that needs more is processed in parts
    progress       called with the share that is done, 0 to 1; False cancels

    Of what read_raw gives, the file's facts are the defaults. Returns [height, width, 3]. Raises
    BadArgument, Unsupported, OutOfMemory, Cancelled, FileError.
    """
    samples, facts, is_files_own = _facts(mosaic, x_trans, cfa=cfa, black=black, white=white,
                                          white_balance=white_balance, xyz_to_camera=xyz_to_camera,
                                          noise=noise)
    options = _options(strength, balance, grey, exposure, highlights, colour_space, lens, part, crop,
                       rotate, resize)
    if camera_rgb:
        plain = ("as-shot", None, 0, "clip", "srgb", "active", None, None, 0)
        wanted = (balance, grey, exposure, highlights, colour_space, crop, part, resize, rotate)
        if wanted != plain or lens not in (None, "none") or _strengths(strength) != (1, 1):
            raise BadArgument("camera_rgb is no picture; the options of one would have no effect")
        out = _output(out, samples.shape[:2] + (3,), dtype or _np.float32)
        _develop_for(model, threads, memory).camera_rgb(samples, facts, out, progress)
        return out
    # What a file says of its lens, crop and orientation is no fact of an array.
    asks_file = lens not in (None, "none") or crop != "active" or rotate == "auto"
    if asks_file and not is_files_own:
        raise BadArgument("lens, crop and rotate=\"auto\" are told by a file; they go with what "
                          "read_raw gives, and no other facts")
    photo = (mosaic,) if asks_file else (samples, facts)
    shape = tuple(_hyperconv.Develop.picture_size(*photo, options))
    out = _output(out, shape + (3,), dtype or _np.uint16)
    # develop() does not ask whether noise was removed before.
    _develop_for(model, threads, memory, asks_file).picture(*photo, options, out, progress)
    return out


def _strengths(strength):
    pair = _np.asarray(strength, float).ravel()
    if pair.size not in (1, 2):
        raise BadArgument("strength is a number from 0 to 1, or two: of luma and of colour")
    return float(pair[0]), float(pair[-1])


def denoise(image, strength=1.0, *, out=None, model=None, threads=0, memory=None, progress=None):
    """Removes the noise of a photo: [H, W] or [H, W, C], C from 1 to 4, sRGB-encoded.

    strength  the share that is removed, 0 to 1, or two: of luma and of colour
    out       the array to write into, of the image's shape; may be the image itself; default: new

    The others as in develop(); a photo that needs more than `memory` is processed in parts. Returns
    the photo without its noise. Raises BadArgument, OutOfMemory, Cancelled, FileError.
    """
    image = _samples(image, "image")
    out = _output(out, image.shape, image.dtype)
    job = _object_for(_denoises, model, threads, memory)
    job.picture(image, out, *_strengths(strength), progress)
    return out


def develop_file(source, target, *, again=False, strength=1.0, balance="as-shot", grey=None,
                 exposure=0.0, highlights="clip", colour_space="srgb", lens="none", part=None,
                 crop="active", rotate="auto", resize=None, quality=95, depth=None,
                 strip_metadata=False, model=None, threads=0, memory=None, progress=None):
    """A camera's RAW file into a picture, turned upright, with EXIF: .jpg, .png, .tif, .jxl,
    .avif, .heic or .dng. A file whose noise was removed before is refused (BadArgument) unless it
    is to be removed `again`.

    strength to resize as in develop(); of a .dng, which a raw converter renders, strength, balance,
    grey, rotate and strip_metadata alone.
    quality         of JPEG, JPEG XL, AVIF and HEIF, 1 to 100
    depth           bits a sample: 8, 16 (PNG, TIFF, JPEG XL), 10 or 12 (AVIF, HEIF), or 32, floats in
                    linear light (TIFF); default: 16, or 10, where the format has them
    strip_metadata  without EXIF, XMP, IPTC and texts
    """
    options = _options(strength, balance, grey, exposure, highlights, colour_space, lens, part, crop,
                       rotate, resize)
    _develop_for(model, threads, memory, again).file(source, target, options, quality, depth,
                                                     strip_metadata, progress)


def denoise_file(source, target, strength=1.0, *, model=None, threads=0, memory=None,
                 progress=None):
    """A JPEG, PNG, TIFF, JPEG XL, AVIF or HEIF into one without its noise, with its metadata."""
    _object_for(_denoises, model, threads, memory).file(source, target, *_strengths(strength),
                                                       progress)


def read_raw(path):
    """A camera's RAW file, or a mosaic as a one-channel PNG: `samples` [H, W] uint16 (read-only, not
    copied) and what the file says of them. Raises FileError, BadFile, Unsupported."""
    return RawFile(path)


def shipped_model(task):
    """The file of the model that is shipped for "develop" or "denoise"."""
    return str(_hyperconv.shipped_model(task))


def info(path=None):
    """What a model file says of itself; without a path: the version and the shipped models."""
    if path is not None:
        return _hyperconv.model_facts(path)
    return {"version": __version__,
            "models": {task: shipped_model(task) for task in ("develop", "denoise")}}
