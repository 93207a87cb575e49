"""What exists: one declaration for each operation, in families; leaf families first."""

# ruff: noqa: F403 - each module says in __all__ what is public
from symgraph.ops import linalg as linalg
from symgraph.ops import nn as nn
from symgraph.ops import special as special
from symgraph.ops.at import *
from symgraph.ops.branches import *
from symgraph.ops.contract import *
from symgraph.ops.create import *
from symgraph.ops.diagonals import *
from symgraph.ops.elementwise import *
from symgraph.ops.extend import *
from symgraph.ops.index import *
from symgraph.ops.join import *
from symgraph.ops.loops import *
from symgraph.ops.normalised import *
from symgraph.ops.products import *
from symgraph.ops.reduce import *
from symgraph.ops.reduce_moments import *
from symgraph.ops.reduce_order import *
from symgraph.ops.shape import *
