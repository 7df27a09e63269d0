"""Systems that the paper compares DMD with, in the same loop and with the same interface."""

from .ef_lstm import EFLSTM
from .fdmer import FDMER
from .graph_mfn import GraphMFN
from .lf_lstm import LFLSTM
from .lmf import LMF
from .mctn import MCTN
from .mfm import MFM
from .mica import MICA
from .misa import MISA
from .mult import MulT
from .pmr import PMR
from .raven import RAVEN
from .tfn import TFN

__all__ = [
    "EFLSTM",
    "FDMER",
    "LFLSTM",
    "LMF",
    "MCTN",
    "MFM",
    "MICA",
    "MISA",
    "PMR",
    "RAVEN",
    "TFN",
    "GraphMFN",
    "MulT",
]
