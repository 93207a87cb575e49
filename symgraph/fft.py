"""Discrete Fourier transforms by the names of ``np.fft``: ``sg.fft``.

Examples
--------
>>> import symgraph as sg
>>> x = sg.placeholder("x", "n")
>>> sg.fft.rfft(x).shape
(n // 2 + 1,)
"""

from symgraph.ops.cosine import dct, dctn, dst, dstn, idct, idctn, idst, idstn
from symgraph.ops.fft import (
    fft,
    fft2,
    fftfreq,
    fftn,
    fftshift,
    hfft,
    ifft,
    ifft2,
    ifftn,
    ifftshift,
    ihfft,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftfreq,
    rfftn,
)

__all__ = [
    "dct",
    "dctn",
    "dst",
    "dstn",
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "idct",
    "idctn",
    "idst",
    "idstn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]
