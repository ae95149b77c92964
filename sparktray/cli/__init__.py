"""The command line: what people type, and what scripts rely on."""
