"""What a model's folder tells of it, and which models an engine knows."""
