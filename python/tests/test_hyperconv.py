"""The Python module, from the outside. Run by CTest with the built package on PYTHONPATH."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import hyperconv

RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def mosaic():
    ramp = np.linspace(100, 900, 96)[None, :] + RNG.normal(0, 10, (64, 96))
    return ramp.astype(np.uint16)


@pytest.fixture(scope="module")
def photo():
    return (120 + RNG.normal(0, 15, (64, 96, 3))).clip(0, 255).astype(np.uint8)


FACTS = {"black": 64, "white": 1023, "white_balance": (2, 1, 1.5)}


def test_a_mosaic_is_developed(mosaic):
    picture = hyperconv.develop(mosaic, **FACTS)
    assert picture.shape == (64, 96, 3) and picture.dtype == np.uint16
    assert picture[:, 80:].mean() > picture[:, :16].mean()


def test_the_picture_is_the_same_in_other_types_and_arrays(mosaic):
    want = hyperconv.develop(mosaic, **FACTS)
    apart = np.zeros((64, 101), np.uint16)
    apart[:, :96] = mosaic
    with_gaps = np.zeros((64, 192), np.uint16)
    with_gaps[:, ::2] = mosaic
    out = np.zeros((64, 100, 3), np.uint16)
    for samples in (apart[:, :96], with_gaps[:, ::2], mosaic[::-1].copy()[::-1]):
        assert (hyperconv.develop(samples, **FACTS) == want).all()
    assert hyperconv.develop(mosaic, **FACTS, out=out[:, :96]).base is not None
    assert (out[:, :96] == want).all() and (out[:, 96:] == 0).all()
    small = hyperconv.develop(mosaic, **FACTS, dtype=np.uint8)
    assert abs(small.astype(float) - want / 257).max() <= 1


def test_camera_rgb_is_linear_floats(mosaic):
    rgb = hyperconv.develop(mosaic, **FACTS, camera_rgb=True)
    assert rgb.dtype == np.float32 and np.isfinite(rgb).all()


def test_a_photo_is_denoised(photo):
    clean = hyperconv.denoise(photo)
    assert clean.shape == photo.shape and clean.dtype == photo.dtype
    assert clean.std() < photo.std()
    assert (hyperconv.denoise(photo, strength=0) == photo).all()
    in_place = photo.copy()
    assert hyperconv.denoise(in_place, out=in_place) is in_place
    assert (in_place == clean).all()
    assert hyperconv.denoise(photo[..., 0]).shape == photo.shape[:2]


def test_files_go_through(tmp_path, mosaic, photo):
    write_mosaic(tmp_path / "raw.png", mosaic)
    raw = hyperconv.read_raw(tmp_path / "raw.png")
    assert (raw.samples == mosaic).all()
    assert raw.cfa == "rggb" and raw.white == 1023 and raw.orientation == 1
    assert not raw.samples.flags.writeable
    samples = raw.samples
    del raw
    assert (samples == mosaic).all(), "the array keeps the file alive"
    hyperconv.develop_file(tmp_path / "raw.png", tmp_path / "out.png")
    hyperconv.denoise_file(tmp_path / "out.png", tmp_path / "clean.jpg", strength=(1, 0.5))
    assert (tmp_path / "clean.jpg").stat().st_size > 0


def write_mosaic(path, samples):
    """A one-channel PNG of 16 bits."""
    import struct
    import zlib

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    height, width = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" +
                     chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def test_what_a_raw_file_says_is_the_default(tmp_path, mosaic):
    write_mosaic(tmp_path / "raw.png", mosaic)
    raw = hyperconv.read_raw(tmp_path / "raw.png")
    by_hand = hyperconv.develop(raw.samples, cfa=raw.cfa, black=raw.black, white=raw.white,
                                white_balance=raw.white_balance)
    assert (hyperconv.develop(raw) == by_hand).all()
    assert (hyperconv.develop(raw, white_balance=(3, 1, 1)) != by_hand).any()


def test_the_picture_that_is_wanted(tmp_path, mosaic):
    write_mosaic(tmp_path / "raw.png", mosaic)
    raw = hyperconv.read_raw(tmp_path / "raw.png")
    plain = hyperconv.develop(raw)
    assert (hyperconv.develop(raw, strength=1, balance="as-shot", lens="none") == plain).all()
    bright = hyperconv.develop(raw, exposure=1)
    assert bright.mean() > plain.mean()
    part = hyperconv.develop(raw, exposure=1, part=(10, 20, 30, 16))
    assert (part == bright[20:36, 10:40]).all()
    turned = hyperconv.develop(raw, exposure=1, rotate=90)
    assert (turned == np.rot90(bright, -1)).all()
    assert hyperconv.develop(raw, resize=48).shape == (32, 48, 3)
    assert hyperconv.develop(raw, resize=0.25).shape == (16, 24, 3)
    assert hyperconv.develop(raw, rotate="auto", resize=(20, 64)).shape == (13, 20, 3)
    for change in ({"balance": "auto"}, {"grey": (50, 30)}, {"strength": (0.5, 0)},
                   {"colour_space": "prophoto"}):
        assert (hyperconv.develop(raw, **change) != plain).any(), change
    hyperconv.develop_file(tmp_path / "raw.png", tmp_path / "out.png", exposure=1, resize=48,
                           depth=8, grey=(50, 30), highlights="blend")
    assert (tmp_path / "out.png").read_bytes()[16:25] == bytes([0, 0, 0, 48, 0, 0, 0, 32, 8])


@pytest.mark.parametrize("change, words", [
    ({"strength": 2}, "strength is 2"),
    ({"balance": "dusk"}, '"dusk" is no balance'),
    ({"balance": 100}, "2000 to 15000 kelvin"),
    ({"balance": (1, 2, 3)}, "kelvin and tint"),
    ({"balance": "auto", "grey": (1, 1)}, "leave one of them out"),
    ({"grey": (1,)}, "grey is a place"),
    ({"grey": (-1, 0)}, "0,0 or beyond"),
    ({"exposure": float("nan")}, "exposure is nan"),
    ({"exposure": "much"}, "wrong kind"),
    ({"highlights": "burn"}, '"burn" is no way with highlights'),
    ({"colour_space": "cmyk"}, "srgb, display-p3"),
    ({"crop": "half"}, '"half" is no crop'),
    ({"rotate": 45}, "turned by 45 degrees"),
    ({"rotate": "left"}, "wrong kind"),
    ({"resize": 0}, "sides of 1 to 65535"),
    ({"resize": (1, 2, 3)}, "resize is the longer side"),
    ({"part": (0, 0, 97, 1)}, "96x64"),
    ({"part": (0, 0)}, "wrong kind"),
    ({"lens": "auto"}, "what read_raw gives"),
    ({"rotate": "auto"}, "what read_raw gives"),
    ({"exposure": 1, "camera_rgb": True}, "no effect"),
    ({"x_trans": (0, 0)}, "x_trans has no meaning"),
    ({"cfa": "x-trans", "x_trans": (0, 6)}, "0,0 to 5,5"),
])
def test_what_cannot_be_wanted_is_refused(mosaic, change, words):
    with pytest.raises(hyperconv.BadArgument, match=words):
        hyperconv.develop(mosaic, **{**FACTS, **change})


def test_x_trans_is_developed(mosaic):
    picture = hyperconv.develop(mosaic, **FACTS, cfa="x-trans", x_trans=(2, 1))
    assert picture.shape == (64, 96, 3)
    assert (picture != hyperconv.develop(mosaic, **FACTS, cfa="x-trans")).any()


def test_a_file_that_cannot_be_wanted_is_not_written(tmp_path, mosaic):
    write_mosaic(tmp_path / "raw.png", mosaic)
    for name, change, words in (("a.dng", {"exposure": 1}, "raw converter"),
                                ("a.jpg", {"quality": 0}, "quality is 0"),
                                ("a.png", {"depth": 7}, ""), ("a.png", {"rotate": 1}, "1 degrees")):
        with pytest.raises(hyperconv.BadArgument, match=words):
            hyperconv.develop_file(tmp_path / "raw.png", tmp_path / name, **change)
        assert not (tmp_path / name).exists()


@pytest.mark.parametrize("change, words", [
    ({"cfa": "xtrans"}, "no colour filter pattern"),
    ({"black": 2000}, "black level"),
    ({"white": float("nan")}, "white level nan"),
    ({"white_balance": (0, 1, 1)}, "multiplier"),
    ({"noise": (-1, 0)}, "noise variance"),
    ({"xyz_to_camera": np.ones((3, 3))}, "colour matrix"),
    ({"out": np.zeros((64, 96, 3), np.float64)}, "float64"),
    ({"out": np.zeros((64, 95, 3), np.uint16)}, "95x64"),
    ({"out": [1]}, "numpy array"),
    ({"white_balance": (1, 1)}, "wrong kind"),
    ({"threads": -1}, "-1 threads"),
])
def test_bad_facts_are_refused(mosaic, change, words):
    with pytest.raises(hyperconv.BadArgument, match=words):
        hyperconv.develop(mosaic, **{**FACTS, **change})


def test_bad_arrays_are_refused(mosaic, photo):
    nan = np.full((8, 8), 0.5, np.float32)
    nan[3, 5] = np.nan
    read_only = np.zeros((64, 96, 3), np.uint16)
    read_only.setflags(write=False)
    for array, words in ((np.zeros((0, 8), np.uint16), "8x0"), (np.zeros(8), "1 dimensions"),
                         (mosaic.astype(np.int32), "int32"), (mosaic.astype(">u2"), "uint16"),
                         (nan, "column 5 of row 3"), (photo, "3 dimensions"), (None, "dimensions")):
        with pytest.raises(hyperconv.BadArgument, match=words):
            hyperconv.develop(array)
    with pytest.raises(ValueError, match="read-only"):
        hyperconv.develop(mosaic, **FACTS, out=read_only)
    for array, words in ((np.zeros((4, 4, 5), np.uint8), "5 channels"), (nan, "nan")):
        with pytest.raises(hyperconv.BadArgument, match=words):
            hyperconv.denoise(array)
    for strength in (1.5, float("nan"), (1, 2, 3)):
        with pytest.raises(hyperconv.BadArgument, match="strength"):
            hyperconv.denoise(photo, strength)


def test_bad_files_and_models_are_refused(tmp_path, mosaic, photo):
    (tmp_path / "bad.dng").write_bytes(b"no RAW file")
    with pytest.raises(hyperconv.BadFile):
        hyperconv.read_raw(tmp_path / "bad.dng")
    with pytest.raises(OSError, match="missing.dng"):
        hyperconv.read_raw(tmp_path / "missing.dng")
    with pytest.raises(hyperconv.BadArgument, match="for the task 'denoise'"):
        hyperconv.develop(mosaic, model=hyperconv.shipped_model("denoise"))
    with pytest.raises(hyperconv.BadArgument, match="for the task 'develop'"):
        hyperconv.denoise(photo, model=hyperconv.shipped_model("develop"))
    with pytest.raises(MemoryError):
        hyperconv.develop(mosaic, **FACTS, memory=1000)


def test_progress_is_told_and_cancels(mosaic):
    told = []
    hyperconv.develop(mosaic, **FACTS, progress=told.append)
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told)
    out = np.zeros((64, 96, 3), np.uint16)
    with pytest.raises(hyperconv.Cancelled):
        hyperconv.develop(mosaic, **FACTS, out=out, progress=lambda done: False)
    assert not out.any()

    def broken(done):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        hyperconv.develop(mosaic, **FACTS, progress=broken)


def test_threads_take_turns(mosaic):
    want = hyperconv.develop(mosaic, **FACTS)
    got = []
    threads = [threading.Thread(target=lambda: got.append(hyperconv.develop(mosaic, **FACTS)))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4 and all((picture == want).all() for picture in got)


def test_ctrl_c_is_a_keyboard_interrupt():
    program = """
import numpy as np, hyperconv, sys
out = np.zeros((6000, 6000, 3), np.uint8)
def tell(done):
    if done > 0: print("works", flush=True)
try:
    hyperconv.denoise(np.full((6000, 6000, 3), 99, np.uint8), out=out, progress=tell)
except KeyboardInterrupt:
    sys.exit(7 if not out.any() else 8)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE,
                             env=os.environ.copy())
    assert child.stdout.readline() == b"works\n"
    child.send_signal(signal.SIGINT)
    child.stdout.read()
    assert child.wait() == 7


def test_other_threads_run_meanwhile(photo):
    counted = 0
    done = threading.Event()
    large = np.tile(photo, (12, 12, 1))

    def work():
        hyperconv.denoise(large)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    worker.join()
    assert counted > 3, "the GIL was held"


def test_info():
    assert hyperconv.info()["version"] == hyperconv.__version__
    for task, model in hyperconv.info()["models"].items():
        assert hyperconv.info(model)["task"] == task
    with pytest.raises(hyperconv.BadArgument, match="'paint'"):
        hyperconv.shipped_model("paint")


def test_the_example_runs(tmp_path, mosaic):
    write_mosaic(tmp_path / "raw.png", mosaic)
    example = os.path.join(os.path.dirname(__file__), "../../examples/embed/embed.py")
    said = subprocess.run([sys.executable, example, str(tmp_path / "raw.png")], check=True,
                          capture_output=True, text=True).stdout
    assert said.startswith("96x64, mean 0.")
