"""The lines an engine dies with, by the name a test asks for; the last one of each is the cause."""

from __future__ import annotations

OUT_OF_MEMORY = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total"
    " capacity of 119.70"
    " GiB of which 1.21 GiB is free. Including non-PyTorch memory, this process has 118.40 GiB memory in use."
)
PTXAS = (
    "ptxas /tmp/tmpl2x1c9p0.ptx, line 5; fatal   : Value 'sm_121a' is not defined for option 'gpu-name'",
    "ptxas fatal   : Value 'sm_121a' is not defined for option 'gpu-name'",
    "triton.runtime.errors.PTXASError: PTXAS error: Internal Triton PTX codegen error",
)
CAUSES: dict[str, tuple[str, ...]] = {
    "oom": (OUT_OF_MEMORY,),
    "exit0": ("RuntimeError: CUDA error: an illegal memory access was encountered",),
    "ptxas": PTXAS,
}


def traceback(*cause: str) -> list[str]:
    """CAUSE as the end of a Python traceback."""
    return [
        "Traceback (most recent call last):",
        '  File "/usr/local/lib/python3.12/dist-packages/engine/worker.py", line 312, in load_model',
        "    self.model = get_model(config)",
        *cause,
    ]
