"""Whole start-up logs, as Docker hands them out: each line is built from the engine's own format string.

Where a line comes from stands beside it, as file and function of the wheel of that version. Bars are what
tqdm 4.67 draws: with ``\\r`` before each state, and an end of the line only where the engine's own format
has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_STAMP = "[2026-11-23 10:00:00]"
_API, _CORE = "(APIServer pid=1)", "(EngineCore pid=87)"
# uvicorn, lifespan/on.py and server.py
_HTTP_UP = (
    "INFO:     Started server process [1]",
    "INFO:     Waiting for application startup.",
    "INFO:     Application startup complete.",
)
_RUNNING = "INFO:     Uvicorn running on http://0.0.0.0:30000 (Press CTRL+C to quit)"


def _tqdm(titles: Sequence[str], total: int) -> str:
    """The bar of a plain ``tqdm``; ``titles`` are the descriptions of its states."""
    states = []
    for done in range(total + 1):
        part = 100 * done // total
        drawn = ("#" * (part // 10)).ljust(10)
        title = titles[min(done, len(titles) - 1)]
        states.append(f"\r{title}: {part:3d}%|{drawn}| {done}/{total} [00:0{done}<00:00,  9.61it/s]")
    return "".join(states) + "\n"


def _shards(title: str, total: int, *, end: str, lead: str = "") -> str:
    """The bar of the loaders (``_BAR_FORMAT``, ``BAR_FORMAT``); ``end`` is what that format ends with."""
    states = []
    for done in range(total + 1):
        rate = "?, ?it/s" if not done else f"00:0{total - done},  2.00s/it"
        part = 100 * done // total
        states.append(f"\r{lead}{title}: {part:3d}% Completed | {done}/{total} [00:0{done}<{rate}]{end}")
    return "".join(states) + "\n"


def _sglang(lines: Iterable[str]) -> str:
    return "".join(f"{_STAMP} {line}\n" for line in lines)


def sglang_0_5_4() -> str:
    """Weights, cache, decode graphs."""
    return (
        _sglang(
            (
                # entrypoints/engine.py, _launch_subprocesses
                "server_args=ServerArgs(model_path='/model', trust_remote_code=True, tp_size=1)",
                # model_executor/model_runner.py, init_torch_distributed and load_model
                "Init torch distributed begin.",
                "Init torch distributed ends. mem usage=0.00 GB",
                "Load weight begin. avail mem=112.40 GB",
            )
        )
        # model_loader/weight_utils.py, safetensors_weights_iterator
        + _shards("Loading safetensors checkpoint shards", 4, end="\n")
        + _sglang(
            (
                # model_executor/model_runner.py, load_model
                "Load weight end. type=Llama4ForConditionalGeneration, dtype=torch.bfloat16,"
                " avail mem=50.00 GB, mem usage=62.40 GB.",
                # mem_cache/memory_pool.py, _finalize_allocation_log
                "KV Cache is allocated. #tokens: 262144, K size: 24.00 GB, V size: 24.00 GB",
                # model_executor/model_runner.py, init_memory_pool and init_device_graphs
                "Memory pool end. avail mem=26.00 GB",
                "Capture cuda graph begin. This can take up to several minutes. avail mem=25.90 GB",
            )
        )
        # model_executor/cuda_graph_runner.py, capture
        + _tqdm([f"Capturing batches (bs={bs} avail_mem=25.80 GB)" for bs in (8, 4, 2, 1)], 4)
        + _sglang(
            (
                "Capture cuda graph end. Time elapsed: 7.00 s. mem usage=0.50 GB. avail mem=25.40 GB.",
                # managers/scheduler.py, Scheduler.__init__
                "max_total_num_tokens=262144, chunked_prefill_size=8192, max_prefill_tokens=16384,"
                " max_running_requests=256, context_len=131072, available_gpu_mem=25.40 GB",
                # srt/utils/common.py, set_uvicorn_logging_configs
                *_HTTP_UP,
                _RUNNING,
                'INFO:     127.0.0.1:41000 - "GET /get_model_info HTTP/1.1" 200 OK',
                # managers/scheduler_metrics_mixin.py, log_prefill_stats
                "Prefill batch. #new-seq: 1, #new-token: 6, #cached-token: 0, token usage: 0.00,"
                " #running-req: 0, #queue-req: 0, ",
                # entrypoints/http_server.py, _wait_and_warmup
                "The server is fired up and ready to roll!",
            )
        )
    )


def sglang_0_5_10() -> str:
    """Decode graphs, then those for prefill, and before them a draft model's weights and cache."""
    return (
        _sglang(
            (
                "server_args=ServerArgs(model_path='/model', speculative_algorithm='EAGLE')",
                "Load weight begin. avail mem=112.40 GB",
            )
        )
        # model_loader/weight_utils.py, buffered_multi_thread_safetensors_weights_iterator
        + _shards("Multi-thread loading shards", 4, end="")
        + _sglang(
            (
                "Load weight end. elapsed=31.20 s, type=Qwen3ForCausalLM, quant=modelopt_fp4,"
                " avail mem=90.00 GB, mem usage=22.40 GB.",
                "KV Cache is allocated. #tokens: 32768, K size: 4.00 GB, V size: 4.00 GB",
                "Memory pool end. avail mem=82.00 GB",
                "Capture cuda graph begin. This can take up to several minutes. avail mem=82.00 GB",
            )
        )
        + _tqdm([f"Capturing batches (bs={bs} avail_mem=81.80 GB)" for bs in (2, 1)], 2)
        + _sglang(
            (
                "Capture cuda graph end. Time elapsed: 7.00 s. mem usage=0.50 GB. avail mem=81.50 GB.",
                # model_executor/model_runner.py, init_piecewise_cuda_graphs
                "Capture piecewise CUDA graph begin. avail mem=81.50 GB",
            )
        )
        # model_executor/piecewise_cuda_graph_runner.py, __init__ and capture
        + _tqdm([f"Compiling num tokens (num_tokens={n})" for n in (64, 32)], 2)
        + _tqdm([f"Capturing num tokens (num_tokens={n} avail_mem=81.20 GB)" for n in (64, 32)], 2)
        + _sglang(
            (
                "Capture piecewise CUDA graph end. Time elapsed: 9.00 s. mem usage=0.30 GB."
                " avail mem=81.20 GB.",
                # speculative/eagle_worker_v2.py: the draft model's own runner begins
                "Load weight begin. avail mem=81.20 GB",
            )
        )
        + _shards("Multi-thread loading shards", 1, end="")
        + _sglang(
            (
                "Load weight end. elapsed=1.20 s, type=LlamaForCausalLMEagle3, avail mem=80.00 GB,"
                " mem usage=1.20 GB.",
                "KV Cache is allocated. #tokens: 32768, K size: 0.10 GB, V size: 0.10 GB",
                "Memory pool end. avail mem=79.80 GB",
                "Capture draft cuda graph begin. This can take up to several minutes. avail mem=79.80 GB",
            )
        )
        + _tqdm([f"Capturing batches (bs={bs} avail_mem=79.70 GB)" for bs in (2, 1)], 2)
        + _sglang(
            (
                "Capture draft cuda graph end. Time elapsed: 2.00 s. mem usage=0.10 GB. avail mem=79.70 GB.",
                "max_total_num_tokens=32768, chunked_prefill_size=8192, max_prefill_tokens=16384,"
                " max_running_requests=48, context_len=32768, available_gpu_mem=79.70 GB",
                "INFO:     Application startup complete.",
                "The server is fired up and ready to roll!",
            )
        )
    )


def sglang_0_5_23() -> str:
    """Kernels are tuned, prefill graphs before decode graphs, the cache sized after them."""
    return (
        _sglang(
            (
                # entrypoints/engine.py, _launch_subprocesses
                "server_args={'model_path': '/model', 'served_model_name': 'm'}",
                # model_executor/model_runner.py, load_model
                "Load weight begin. avail mem=112.40 GB",
            )
        )
        # model_loader/weight_utils.py, safetensors_weights_iterator
        + _shards("Loading safetensors checkpoint shards", 4, end="")
        + _sglang(
            (
                "Load weight end. elapsed=41.20 s, type=Qwen3ForCausalLM, quant=modelopt_fp4,"
                " avail mem=90.00 GB, mem usage=22.40 GB.",
                # mem_cache/memory_pool.py, _finalize_allocation_log
                "KV Cache VA upper bound. dtype: torch.bfloat16, #tokens: 32768, K size: 4.00 GB,"
                " V size: 4.00 GB",
                # mem_cache/kv_cache_configurator.py
                "Memory pool end. avail mem=90.00 GB",
                # model_executor/runner/flashinfer_autotune.py, flashinfer_autotune_context
                "Running FlashInfer autotune with cache: /root/.cache/flashinfer/autotune.json",
                "FlashInfer autotune completed.",
                # model_executor/model_runner_components/cuda_graph_setup.py, capture_prefill_graph
                "Capture target prefill CUDA graph begin. backend=full, num_tokens=[64, 32],"
                " avail mem=89.00 GB",
            )
        )
        # model_executor/runner/prefill_cuda_graph_runner.py, _capture_one_stream
        + _tqdm([f"Capturing prefill shape (num_tokens={n} avail_mem=88.90 GB)" for n in (64, 32)], 2)
        + _sglang(
            (
                "Capture target prefill CUDA graph end. elapsed=5.10 s, mem usage=0.20 GB,"
                " avail mem=88.80 GB.",
                # capture_decode_graph of the same file
                "Capture target decode CUDA graph begin. backend=full, num_tokens_per_req=1,"
                " avail mem=88.80 GB",
            )
        )
        # model_executor/runner/decode_cuda_graph_runner.py, _capture_one_stream
        + _tqdm([f"Capturing batches (bs={bs} avail_mem=88.70 GB)" for bs in (8, 4, 2, 1)], 4)
        + _sglang(
            (
                "Capture target decode CUDA graph end. bs=[1, 2, 4, 8], elapsed=6.30 s, mem usage=0.40 GB,"
                " avail mem=88.40 GB.",
                # model_executor/model_runner_components/kv_pool_runtime.py
                "Post-capture KV sizing: KV cache allocated. dtype: torch.bfloat16, #tokens: 32768,"
                " KV size: 8.00 GB, avail mem=80.40 GB",
                # managers/scheduler.py
                "max_total_num_tokens=32768, chunked_prefill_size=8192, max_prefill_tokens=16384,"
                " max_running_requests=48, context_len=32768, available_gpu_mem=80.40 GB",
                *_HTTP_UP,
                _RUNNING,
                # entrypoints/http_server.py
                "The server is fired up and ready to roll!",
            )
        )
    )


def _vllm(who: str, place: str, *messages: str) -> str:
    """Lines of vllm/logger.py's formatter; further lines of a message get the same prefix."""
    return "".join(f"{who} INFO 11-23 10:00:00 [{place}] {message}\n" for message in messages)


def vllm_0_11() -> str:
    """Compiled anew, both kinds of graphs."""
    return (
        # entrypoints/openai/api_server.py, run_server; entrypoints/utils.py, log_non_default_args
        _vllm(_API, "api_server.py:1839", "vLLM API server version 0.11.0")
        + _vllm(_API, "utils.py:233", "non-default args: {'model_tag': '/model', 'port': 8000}")
        # v1/engine/core.py, EngineCore.__init__
        + _vllm(_CORE, "core.py:77", "Initializing a V1 LLM engine (v0.11.0) with config: model='/model'")
        # v1/worker/gpu_model_runner.py, load_model
        + _vllm(_CORE, "gpu_model_runner.py:2602", "Starting to load model /model...")
        # model_executor/model_loader/weight_utils.py, safetensors_weights_iterator
        + _shards("Loading safetensors checkpoint shards", 2, end="\n", lead=f"{_CORE} ")
        # model_executor/model_loader/default_loader.py, load_weights
        + _vllm(_CORE, "default_loader.py:267", "Loading weights took 20.11 seconds")
        + _vllm(_CORE, "gpu_model_runner.py:2653", "Model loading took 18.1000 GiB and 22.000000 seconds")
        # compilation/backends.py and monitor.py
        + _vllm(
            _CORE,
            "backends.py:548",
            "Using cache directory: /root/.cache/vllm/torch_compile_cache/x/rank_0_0/backbone for vLLM's"
            " torch.compile",
            "Dynamo bytecode transform time: 8.00 s",
            "Cache the graph for dynamic shape for later use",
            "Compiling a graph for dynamic shape takes 30.10 s",
            "torch.compile takes 38.10 s in total",
        )
        # v1/worker/gpu_worker.py, determine_available_memory
        + _vllm(_CORE, "gpu_worker.py:298", "Available KV cache memory: 70.12 GiB")
        # v1/core/kv_cache_utils.py
        + _vllm(
            _CORE,
            "kv_cache_utils.py:1087",
            "GPU KV cache size: 459,520 tokens",
            "Maximum concurrency for 32,768 tokens per request: 14.02x",
        )
        # v1/worker/gpu_model_runner.py, _capture_cudagraphs and capture_model
        + _tqdm([f"{_CORE} Capturing CUDA graphs (mixed prefill-decode, PIECEWISE)"], 4)
        + _tqdm([f"{_CORE} Capturing CUDA graphs (decode, FULL)"], 2)
        + _vllm(_CORE, "gpu_model_runner.py:3480", "Graph capturing finished in 6 secs, took 0.61 GiB")
        + _vllm(
            _CORE,
            "core.py:210",
            "init engine (profile, create kv cache, warmup model) took 55.10 seconds",
        )
        # entrypoints/openai/api_server.py, run_server_worker; entrypoints/launcher.py; uvicorn
        + _vllm(_API, "api_server.py:1912", "Starting vLLM API server 0 on http://0.0.0.0:8000")
        + _vllm(_API, "launcher.py:34", "Available routes are:")
        + "".join(f"{_API} {line}\n" for line in _HTTP_UP)
    )


def vllm_0_33() -> str:
    """A compiled graph from the cache, some graphs captured on trial before the cache is sized."""
    trial = (
        # v1/worker/gpu/cudagraph_utils.py, capture, by gpu/model_runner.py, profile_cudagraph_memory
        _tqdm(["Capturing CUDA graphs (PIECEWISE)"], 3)
        + _tqdm(["Capturing CUDA graphs (FULL)"], 2)
        + _vllm(_CORE, "model_runner.py:1163", "Graph capturing finished in 4 secs, took 0.41 GiB")
    )
    return (
        # entrypoints/common/startup.py, log_version_and_model (with its logo) and log_non_default_args
        _vllm(
            _API,
            "startup.py:41",
            "",
            " ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.33.0",
            "  █▄█▀ █     █     █     █  model   /model",
        )
        + _vllm(_API, "startup.py:96", "non-default args: {'model_tag': '/model', 'api_key': '***'}")
        # v1/engine/core.py; v1/worker/gpu_worker.py
        + _vllm(_CORE, "core.py:140", "Initializing a V1 LLM engine (v0.33.0) with config: model='/model'")
        + _vllm(_CORE, "gpu_worker.py:513", "Using V2 Model Runner")
        + _vllm(_CORE, "gpu_model_runner.py:4979", "Starting to load model /model...")
        # model_executor/model_loader/weight_utils.py, safetensors_weights_iterator
        + _vllm(
            _CORE,
            "weight_utils.py:1144",
            "Filesystem type for checkpoints: EXT4. Checkpoint size: 18.10 GiB. Available RAM: 100.10 GiB.",
        )
        + _shards("Loading safetensors checkpoint shards", 2, end="\n")
        + _vllm(_CORE, "default_loader.py:506", "Loading weights took 20.11 seconds")
        + _vllm(_CORE, "model_runner.py:428", "Model loading took 18.1 GiB memory and 22.000000 seconds")
        # compilation/decorators.py, the loading of an artifact
        + _vllm(
            _CORE, "decorators.py:326", "Directly load AOT compilation from path /root/.cache/vllm/aot/model"
        )
        # compilation/monitor.py, monitor_torch_compile and monitor_profiling_run
        + _vllm(_CORE, "monitor.py:80", "torch.compile took 3.10 s in total")
        + _vllm(_CORE, "monitor.py:91", "Initial profiling/warmup run took 2.10 s")
        + trial
        # v1/worker/gpu_worker.py, determine_available_memory; v1/core/kv_cache_utils.py
        + _vllm(_CORE, "gpu_worker.py:773", "Available KV cache memory: 70.12 GiB")
        + _vllm(
            _CORE,
            "kv_cache_utils.py:1148",
            "GPU KV cache size: 459,520 tokens, Maximum concurrency for 32,768 tokens per request: 14.02x",
        )
        + _tqdm(["Capturing CUDA graphs (PIECEWISE)"], 4)
        + _tqdm(["Capturing CUDA graphs (FULL)"], 4)
        + _vllm(_CORE, "model_runner.py:1163", "Graph capturing finished in 9 secs, took 0.81 GiB")
        # v1/engine/core.py, _initialize_kv_caches
        + _vllm(
            _CORE,
            "core.py:405",
            "init engine (profile, create kv cache, warmup model) took 31.20 s (compilation: 3.10 s)",
        )
        # entrypoints/launchers/api_server/entry.py; uvicorn
        + _vllm(_API, "entry.py:139", "Starting vLLM server on http://0.0.0.0:8000")
        + "".join(f"{_API} {line}\n" for line in _HTTP_UP)
    )
