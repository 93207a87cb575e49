"""Convolutions and filters by the names of ``scipy.signal``: ``sg.signal``.

Examples
--------
>>> import symgraph as sg
>>> image, kernel = sg.placeholder("image", ("n", "m")), sg.placeholder("kernel", (3, 3))
>>> sg.signal.convolve2d(image, kernel, mode="same").shape
(n, m)
"""

from symgraph.ops.filters import (
    convolve,
    convolve2d,
    correlate,
    correlate2d,
    fftconvolve,
    lfilter,
)

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve", "lfilter"]
