"""Windows about entries: made of what is on the host or of a docker run line, and a secret of one."""
