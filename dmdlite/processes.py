"""Several processes as one: what they share out, add up, and leave to the main one (Chapter 9).

`torchrun` and `accelerate launch` start N processes and tell each its place in the environment
(RANK, LOCAL_RANK, WORLD_SIZE); no more than that is read. Gradients are summed once a step, not
batch by batch while they are made: less overlap, but each step is exactly that of all samples
together, whatever their number and whichever parameters took part. (Not yet run on several GPUs.)
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Processes:
    """This process's place among those that train together."""

    rank: int = 0
    count: int = 1

    @classmethod
    def joined(cls, device: torch.device) -> Processes:
        """This process among those that a launcher started; alone where there was none."""
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return cls()
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
            atexit.register(dist.destroy_process_group)
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def main(self) -> bool:
        """Whether this is the one that validates, decides and writes."""
        return self.rank == 0

    def share(self, samples: Tensor) -> Tensor:
        """This process's part; no sample is left out, so that parts may differ by one."""
        return samples[self.rank :: self.count]

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Every tensor becomes its sum over the processes, in place and in one exchange."""
        tensors = list(tensors)
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([t.flatten() for t in tensors])
        dist.all_reduce(flat)
        parts = flat.split([t.numel() for t in tensors])
        for tensor, total in zip(tensors, parts, strict=True):
            tensor.copy_(total.view_as(tensor))

    def add_up_gradients(self, model: nn.Module) -> None:
        """Every gradient becomes the sum over the processes; who has none adds zero."""
        if self.count > 1:
            for p in model.parameters():
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            self.add_up(p.grad for p in model.parameters())

    def take_over(self, model: nn.Module) -> None:
        """Weights and running statistics become the main process's."""
        if self.count > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)

    def told(self, value: Any) -> Any:
        """The main process's value, in every process."""
        box = [value]
        if self.count > 1:
            dist.broadcast_object_list(box, 0)
        return box[0]

    def gathered(self, value: Any) -> list[Any]:
        """Every process's value, by rank."""
        values = [value]
        if self.count > 1:
            values = [None] * self.count
            dist.all_gather_object(values, value)
        return values
