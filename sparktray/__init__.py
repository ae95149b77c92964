"""sparktray: switch the model an NVIDIA DGX Spark serves, over SSH, from the tray or the command line."""

__version__ = "0.1.0"
