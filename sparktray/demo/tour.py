"""What is worth trying on the demo: models of the shipped catalogue that go well, fail, and do not fit."""

SWITCHES = "qwen3-coder-30b-nvfp4"
"""Takes the place of what runs, within seconds."""
DIES = "deepseek-r1-8b-abliterated-bf16"
"""Its start on vLLM dies: that toolchain does not know the GB10. On SGLang it runs."""
DIES_ON = "vllm"
TOO_LARGE = "llama4-scout-17b-nvfp4"
"""Does not fit beside what runs; the slowest where room is made for it."""
