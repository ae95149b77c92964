"""A browser's part of a page of Streamlit that is shown anew every two seconds, without the painting.

Prints, for each time, seconds since 1970 and the text that came. Run in Streamlit's environment with the
page's port, for `benchmarks.dashboard`.
"""

import sys
import time

from streamlit.proto.BackMsg_pb2 import BackMsg  # type: ignore[import-not-found]
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg  # type: ignore[import-not-found]
from websockets.sync.client import connect  # type: ignore[import-not-found]

POLL_SECONDS = 2.0

with connect(
    f"ws://127.0.0.1:{sys.argv[1]}/_stcore/stream", subprotocols=["streamlit"], max_size=None
) as page:
    while True:
        began = time.monotonic()
        again = BackMsg()
        again.rerun_script.query_string = ""
        page.send(again.SerializeToString())
        ended = False
        while not ended:
            told = ForwardMsg.FromString(page.recv(timeout=60))
            if told.WhichOneof("type") == "delta" and told.delta.new_element.WhichOneof("type") == "text":
                print(time.time(), told.delta.new_element.text.body, flush=True)
            ended = told.WhichOneof("type") == "script_finished"
        time.sleep(max(0.0, POLL_SECONDS - (time.monotonic() - began)))
