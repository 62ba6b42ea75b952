"""Settings of the whole suite."""

import torch

torch.set_num_threads(1)  # tests are small; threads that wait for each other cost more than they bring
