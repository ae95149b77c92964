"""Changing a host: plans, their steps, why not, and how an operation goes on."""
