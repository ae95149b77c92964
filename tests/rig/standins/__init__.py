"""Stand-ins for SGLang, vLLM and Ollama: standard library only, since they run inside the rig's images."""
