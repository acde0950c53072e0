from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, TypedDict, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__version__: str

Path = str | PathLike[str]
Progress = Callable[[float], object]

class Error(Exception): ...
class BadArgument(Error, ValueError): ...
class BadFile(Error, ValueError): ...
class Unsupported(Error): ...
class OutOfMemory(Error, MemoryError): ...
class Cancelled(Error): ...
class FileError(Error, OSError): ...

class RawFile:
    def __init__(self, path: Path) -> None: ...
    @property
    def samples(self) -> NDArray[np.uint16]: ...
    @property
    def cfa(self) -> str: ...
    @property
    def x_trans(self) -> list[int] | None: ...
    @property
    def black(self) -> list[float]: ...
    @property
    def white(self) -> float: ...
    @property
    def white_balance(self) -> list[float]: ...
    @property
    def xyz_to_camera(self) -> list[list[float]] | None: ...
    @property
    def noise(self) -> list[float] | None: ...
    @property
    def orientation(self) -> int: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def make(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def lens(self) -> str: ...
    @property
    def date_time(self) -> str: ...
    @property
    def iso(self) -> float: ...

def develop(
    mosaic: ArrayLike | RawFile,
    *,
    cfa: str | None = None,
    x_trans: Sequence[int] | None = None,
    black: float | Sequence[float] | None = None,
    white: float | None = None,
    white_balance: Sequence[float] | None = None,
    xyz_to_camera: ArrayLike | None = None,
    noise: Sequence[float] | None = None,
    strength: float | Sequence[float] = 1.0,
    balance: str | float | Sequence[float] = "as-shot",
    grey: Sequence[int] | None = None,
    exposure: float = 0.0,
    highlights: str = "clip",
    colour_space: str = "srgb",
    lens: str = "none",
    part: Sequence[int] | None = None,
    crop: str = "active",
    rotate: int | str = 0,
    resize: int | float | Sequence[int] | None = None,
    camera_rgb: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    model: Path | None = None,
    threads: int = 0,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]: ...
def denoise(
    image: ArrayLike,
    strength: float | Sequence[float] = 1.0,
    *,
    out: NDArray[Any] | None = None,
    model: Path | None = None,
    threads: int = 0,
    memory: int | None = None,
    progress: Progress | None = None,
) -> NDArray[Any]: ...
def develop_file(
    source: Path,
    target: Path,
    *,
    again: bool = False,
    strength: float | Sequence[float] = 1.0,
    balance: str | float | Sequence[float] = "as-shot",
    grey: Sequence[int] | None = None,
    exposure: float = 0.0,
    highlights: str = "clip",
    colour_space: str = "srgb",
    lens: str = "none",
    part: Sequence[int] | None = None,
    crop: str = "active",
    rotate: int | str = "auto",
    resize: int | float | Sequence[int] | None = None,
    quality: int = 95,
    depth: int | None = None,
    strip_metadata: bool = False,
    model: Path | None = None,
    threads: int = 0,
    memory: int | None = None,
    progress: Progress | None = None,
) -> None: ...
def denoise_file(
    source: Path,
    target: Path,
    strength: float | Sequence[float] = 1.0,
    *,
    model: Path | None = None,
    threads: int = 0,
    memory: int | None = None,
    progress: Progress | None = None,
) -> None: ...
def read_raw(path: Path) -> RawFile: ...
def shipped_model(task: str) -> str: ...

class ModelFacts(TypedDict):
    task: str
    name: str
    summary: str
    data_licence: str

class LibraryFacts(TypedDict):
    version: str
    models: dict[str, str]

@overload
def info(path: None = None) -> LibraryFacts: ...
@overload
def info(path: Path) -> ModelFacts: ...
