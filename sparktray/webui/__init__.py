"""Open WebUI on a host: what it holds, and its API."""
