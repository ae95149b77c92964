"""Measurements against named baselines, each in the same run on the rig."""
