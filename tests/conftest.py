"""One thread a process: the processes of pytest-xdist share the cores already."""

import torch

torch.set_num_threads(1)
