"""What hyperconv raises: one class a kind of failure, each with one line of text."""


class Error(Exception):
    """Of everything below."""


class BadArgument(Error, ValueError):
    """What the caller gave: shapes, ranges, a model for another task."""


class BadFile(Error, ValueError):
    """A file is damaged, or of another kind than is wanted."""


class Unsupported(Error):
    """Sound, but nothing that can be worked on: a sensor that is not Bayer, for one."""


class OutOfMemory(Error, MemoryError):
    """Memory is not to be had, or more than was allowed."""


class Cancelled(Error):
    """A progress function has returned False."""


class FileError(Error, OSError):
    """A file is not there, or the system cannot read or write it."""
