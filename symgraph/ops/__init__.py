"""What exists: one declaration for each operation, in families; leaf families first."""

from symgraph.ops.at import *
from symgraph.ops.create import *
from symgraph.ops.diagonals import *
from symgraph.ops.elementwise import *
from symgraph.ops.extend import *
from symgraph.ops.index import *
from symgraph.ops.join import *
from symgraph.ops.reduce import *
from symgraph.ops.reduce_moments import *
from symgraph.ops.reduce_order import *
from symgraph.ops.shape import *
from symgraph.ops.softmax import *
