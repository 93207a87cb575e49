"""Computes product, plus, product_2, chosen and more.

constants(x, single)

    argument   dtype       shape
    x          float64     (40,)
    single     float32     (40,)

    result     dtype       shape
    product    float64     (40,)
    plus       float64     (40,)
    product_2  float64     (2, 2)
    chosen     float64     (40,)
    product_3  float64     (40,)
    product_4  float32     (40,)
    powered    float64     (40,)
    constant   int64       ()
    constant   float64     ()
    constant   bool        ()
    constant   float64     ()
    constant   int64       ()
    constant   float64     ()
    constant   complex128  ()

Needs NumPy only. Written by symgraph.
"""

import numpy as np

CONSTANT = np.frombuffer(
    bytes.fromhex(
        "0000000000000000922449922449c23f922449922449e23f254992244992f43f92244992244902"
        "402549922449920c4025499224499214400000000000001c409224499224492240499224499224"
        "27402549922449922c409224499224493140254992244992344049922449922438400000000000"
        "003c40254992244912404092244992244942404992244992a44440499224499224474092244992"
        "24c949402549922449924c400000000000804f4092244992244951404992244992e45240254992"
        "2449925440254992244952564049922449922458409224499224095a400000000000005c409224"
        "499224095e40254992244912604092244992242961409224499224496240254992244972634049"
        "92244992a464400000000000e06540499224499224674025499224497268409224499224c96940"
        "9224499224296b40"
    ),
    dtype="<f8",
).reshape(40)
CONSTANT_2 = np.full((40,), 0.1)
CONSTANT_3 = np.array([[0.1, -0.0], [np.inf, 1e-320]])
CONSTANT_4 = np.frombuffer(
    bytes.fromhex(
        "010000010000010000010000010000010000010000010000010000010000010000010000010000"
        "01"
    ),
    dtype="|b1",
).reshape(40)


def constants(x, single):
    # "table": x * table,
    product = x * CONSTANT
    # "ones": x + sg.constant(np.full(40, 0.1)),
    plus = x + CONSTANT_2
    # "small": x[:2] * small,
    product_2 = x[:2] * CONSTANT_3
    # "mask": np.where(sg.constant(np.arange(40) % 3 == 0), x, np.nan),
    chosen = np.where(CONSTANT_4, x, np.nan)
    # "strong": single * np.float64(0.1),
    product_3 = single * np.float64(0.1)
    # "weak": single * 0.1,
    product_4 = single * 0.1
    # "power": (-2.0) ** np.floor(x),
    powered = (-2) ** np.floor(x)
    return (
        product,
        plus,
        product_2,
        chosen,
        product_3,
        product_4,
        powered,
        np.int64(1),
        np.float64(1.0),
        np.bool(True),
        np.float64(-0.0),
        np.int64(4611686018427387904),
        np.float64(1e-320),
        np.complex128(1.0j),
    )


def _check(seed=0):
    """Compare every gradient with a numerical one on random inputs."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((40,))
    single = rng.standard_normal((40,)).astype(np.float32)
    arguments = [x, single]
    constants(*arguments)
    print("runs; there is no gradient to compare")
    return True


if __name__ == "__main__":
    import sys

    if sys.argv[1:] != ["--check"]:
        sys.exit(f"usage: python {sys.argv[0]} --check")
    sys.exit(0 if _check() else 1)
