"""`webui`: what Open WebUI holds, wipes, archives and the way back."""
