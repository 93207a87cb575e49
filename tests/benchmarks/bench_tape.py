"""A training step on the tape, against autograd and PyTorch's eager mode where installed.

``python -m tests.benchmarks.bench_tape``: value and gradients of a step, from the second one on.
The figures to reach: three times as fast as autograd, and faster than PyTorch on small sizes.
"""

import numpy as np

from symgraph import tape
from tests.benchmarks.harness import paired, quantity, table

RNG = np.random.default_rng(0)


def mlp(size, batch=16):
    """Two layers and a squared error."""
    shapes = [(8, size), (size,), (size, 1), (1,)]
    data = [RNG.normal(size=(batch, 8)), RNG.normal(size=(batch, 1))]

    def loss(np, weights, data):
        h = np.tanh(data[0] @ weights[0] + weights[1])
        return np.mean((h @ weights[2] + weights[3] - data[1]) ** 2)

    return shapes, data, loss


def rnn(size, steps=20):
    """A recurrence over the rows of an array."""
    shapes = [(4, size), (size, size), (size,)]
    data = [RNG.normal(size=4) for _ in range(steps)]

    def loss(np, weights, data):
        h, total = weights[2] * 0.0, 0.0
        for row in data:
            h = np.tanh(row @ weights[0] + h @ weights[1] + weights[2])
            total = total + np.sum(h**2)
        return total

    return shapes, data, loss


MODELS = {
    "MLP, 16 units": lambda: mlp(16),
    "MLP, 256 units": lambda: mlp(256),
    "RNN, 16 units, 20 steps": lambda: rnn(16),
}


def on_tape(weights, data, loss):
    """A step with `symgraph.tape`."""
    tensors = [tape.tensor(w, requires_grad=True) for w in weights]

    def step():
        for tensor in tensors:
            tensor.grad = None
        loss(np, tensors, data).backward()
        return [tensor.grad.numpy() for tensor in tensors]

    return step


def on_autograd(weights, data, loss):
    """A step with autograd."""
    import autograd
    import autograd.numpy as anp

    slope = autograd.value_and_grad(lambda ws: loss(anp, ws, data))
    return lambda: slope(weights)[1]


def on_torch(weights, data, loss):
    """A step with PyTorch's eager mode, on one thread as NumPy's small products are."""
    import torch

    torch.set_num_threads(1)
    tensors = [torch.tensor(w, requires_grad=True) for w in weights]
    arrays = [torch.tensor(array) for array in data]

    def step():
        for tensor in tensors:
            tensor.grad = None
        loss(torch, tensors, arrays).backward()
        return [tensor.grad.numpy() for tensor in tensors]

    return step


def main() -> None:
    """Print times of a step, and theirs by ours."""
    rows = []
    for name, build in MODELS.items():
        shapes, data, loss = build()
        weights = [RNG.normal(size=shape) / 4 for shape in shapes]
        contenders = {"tape": on_tape(weights, data, loss)}
        for other, make in {"autograd": on_autograd, "torch": on_torch}.items():
            try:
                contenders[other] = make(weights, data, loss)
            except ImportError:
                continue
        expected = contenders["tape"]()
        for step in contenders.values():
            for a, b in zip(step(), expected, strict=True):
                np.testing.assert_allclose(a, b, 1e-6, 1e-9)
        timings = paired(contenders)
        row = [name, quantity(timings["tape"].median)]
        for other in ("autograd", "torch"):
            known = timings.get(other)
            ratio = f"{known.ratio_to(timings['tape']):.1f}" if known else "not installed"
            row += [quantity(known.median) if known else "-", ratio]
        rows.append(row)
    head = ("a step", "tape", "autograd", "by ours", "torch", "by ours")
    print(table(head, rows))


if __name__ == "__main__":
    main()
