"""The other way in: operations run at once, and what happened is the graph."""
from symgraph.tape import backward as _b, tensor as _t
from symgraph.tape.mode import *
from symgraph.tape.tensor import Tensor
_t.RUN_BACKWARD = _b.backward
import numpy as np
def tensor(data, dtype=None, requires_grad=False):
    return _t.make_leaf(Tensor.__new__(Tensor), np.array(data, dtype=dtype), requires_grad)
