"""Develops a camera's RAW file and says how bright it is: embed.py RAW."""

import sys

import hyperconv

try:
    picture = hyperconv.develop(hyperconv.read_raw(sys.argv[1]), rotate="auto", resize=2048,
                                progress=lambda done: True)
    print(f"{picture.shape[1]}x{picture.shape[0]}, mean {picture.mean() / 65535:.3f}")
except hyperconv.Error as error:
    sys.exit(f"embed.py: {error}")
