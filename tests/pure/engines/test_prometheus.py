from __future__ import annotations

import pytest

from sparktray.engines.prometheus import total

TEXT = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a } b \\" c"} 2.0
vllm:num_requests_running{engine="1",model_name="x"} 1 1764000000000
vllm:num_requests_running_more 9
vllm:bare 1e3
vllm:nan{a="b"} NaN
vllm:inf +Inf
vllm:text hello
vllm:cut{a="b
vllm:valueless{a="b"}
"""


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (("vllm:num_requests_running",), 3.0),
        (("vllm:bare",), 1000.0),
        (("vllm:absent", "vllm:bare"), 1000.0),
        (("vllm:absent",), None),
        (("vllm:nan",), None),
        (("vllm:inf",), None),
        (("vllm:text",), None),
        (("vllm:cut",), None),
        (("vllm:valueless",), None),
    ],
)
def test_the_sum_over_all_series_of_a_name(names: tuple[str, ...], value: float | None) -> None:
    assert total(TEXT, *names) == value
    assert total("", *names) is None


def test_a_hostile_line_takes_no_time() -> None:
    assert total("a{" + '"' * 200_000, "a") is None
