"""The page that a dashboard in Streamlit is: `docker ps` over ssh each time it runs.

Run by `streamlit run` in an environment of its own, with the ssh command as its arguments, for
`benchmarks.dashboard`.
"""

import subprocess
import sys

import streamlit  # type: ignore[import-not-found]  # not of this project's environment

said = subprocess.run(
    [*sys.argv[1:], "docker ps --format '{{.Names}}'"], capture_output=True, text=True, check=True
)
streamlit.text(" ".join(said.stdout.split()) or "none")
