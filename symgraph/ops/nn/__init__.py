"""Functions of neural networks: a file for each subject; `symgraph.ops.nn.names` has them all."""
