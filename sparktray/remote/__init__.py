"""The road to one host: SSH or local processes below, Docker, HTTP, commands and samples above."""
