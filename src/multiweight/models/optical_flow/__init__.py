"""Networks for optical flow: where every pixel of a picture is in the next one."""

from multiweight.models.optical_flow import raft
from multiweight.models.optical_flow.raft import RAFT, Raft_Large_Weights, Raft_Small_Weights, raft_large, raft_small

__all__ = [
    "RAFT",
    "Raft_Large_Weights",
    "Raft_Small_Weights",
    "raft",
    "raft_large",
    "raft_small",
]
