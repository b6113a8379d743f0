"""Other machines: what a cluster is, Ray and Slurm, and the worker as they start it."""
