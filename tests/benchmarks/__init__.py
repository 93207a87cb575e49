"""How fast, and how long: scripts that print ratios, and cheap tests that they measure right.

Each script runs from the repository's root as ``python -m tests.benchmarks.bench_models``:

==============  ====================================================================
bench_models    six models: lines and run time of emitted code over hand-written code
bench_call      what a call costs beside the computation
bench_import    ``import symgraph`` over ``import numpy``
bench_compile   a three-layer MLP, from nothing to its first gradient
bench_dense     Jacobians and Hessians against JAX, autograd and CasADi
bench_orders    how large n-th derivatives are, beside SymPy and JAX
bench_scale     graphs of 10⁴ and 10⁵ nodes, stage by stage
==============  ====================================================================
"""

import os

# Here, because it must come before NumPy is imported: idle BLAS threads wait for work in a loop,
# and the CPU time of a small product then is several times the time that it takes.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
