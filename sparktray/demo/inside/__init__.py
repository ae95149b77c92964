"""What runs in the demo's containers: the three engines and Open WebUI."""
