"""What of the host's memory stays its own."""

from __future__ import annotations

# Kept free of models, so that the host itself never runs short: a Spark short of memory freezes.
HEADROOM_BYTES = 2 << 30
HEADROOM_SHARE = 0.08


def headroom(total_bytes: int) -> int:
    """Memory of the host that no model may take, in bytes."""
    return max(HEADROOM_BYTES, int(total_bytes * HEADROOM_SHARE))
