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


def _facts(mosaic, cfa, black, white, white_balance, xyz_to_camera, noise):
    if isinstance(mosaic, RawFile):
        given = {"cfa": cfa, "black": black, "white": white, "white_balance": white_balance,
                 "xyz_to_camera": xyz_to_camera, "noise": noise}
        cfa, black, white, white_balance, xyz_to_camera, noise = (
            getattr(mosaic, name) if value is None else value for name, value in given.items())
    samples = mosaic.samples if isinstance(mosaic, RawFile) else _samples(mosaic, "mosaic")
    if white is None:
        white = 1.0 if samples.dtype.kind == "f" else float(_np.iinfo(samples.dtype).max)
    if xyz_to_camera is not None:
        xyz_to_camera = _np.asarray(xyz_to_camera, float).reshape(3, 3).tolist()
    try:
        facts = _hyperconv.Facts(cfa or "rggb", _four(0 if black is None else black), white,
                                 list((1, 1, 1) if white_balance is None else white_balance),
                                 xyz_to_camera, None if noise is None else list(noise))
    except TypeError:
        raise BadArgument("a fact of the mosaic is of the wrong kind: cfa is a word, white a number, "
                          "white_balance three, noise two") from None
    return samples, facts


def develop(mosaic, *, cfa=None, black=None, white=None, white_balance=None, xyz_to_camera=None,
            noise=None, camera_rgb=False, out=None, dtype=None, model=None, threads=0, memory=None,
            progress=None):
    """Develops a mosaic: [H, W], or what read_raw gives.

    cfa            "rggb", "bggr", "grbg" or "gbrg"
    black          level of no light, or four: at (0,0) (0,1) (1,0) (1,1)
    white          level at which a sample is saturated; default: the most that the dtype holds, or 1
    white_balance  multipliers that make a grey grey, R G B
    xyz_to_camera  3x3, XYZ (D65) to camera RGB, as in DNG's ColorMatrix; default: linear sRGB
    noise          (shot, read): the variance of a sample x in [0,1] is shot * x + read; default:
                   estimated from the samples where the model is told it
    camera_rgb     the camera's linear RGB in float32 instead of an sRGB picture
    out            the array to write into, [H, W, 3]; default: a new one of `dtype` (uint16)
    model          a file; default: the one that is shipped
    threads        default: all the cores that this process may use
    memory         bytes that the work may take; a mosaic that needs more is processed in parts
    progress       called with the share that is done, 0 to 1; False cancels

    Of what read_raw gives, the file's facts are the defaults. Returns [H, W, 3], not turned. Raises
    BadArgument, OutOfMemory, Cancelled, FileError.
    """
    samples, facts = _facts(mosaic, cfa, black, white, white_balance, xyz_to_camera, noise)
    out = _output(out, samples.shape[:2] + (3,),
                  dtype or (_np.float32 if camera_rgb else _np.uint16))
    job = _object_for(_develops, model, threads, memory)
    (job.camera_rgb if camera_rgb else job.picture)(samples, facts, out, progress)
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


def develop_file(source, target, *, again=False, model=None, threads=0, memory=None,
                 progress=None):
    """A camera's RAW file into a picture, turned upright, with EXIF: .jpg, .png, .tif, .jxl,
    .avif, .heic or .dng. A file whose noise was removed before is refused (BadArgument) unless it
    is to be removed `again`."""
    _object_for(_develops, model, threads, memory, again).file(source, target, progress)


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
