"""The SSH link. Only ``transport``, ``channels``, ``login`` and ``link`` import paramiko (130 ms)."""
