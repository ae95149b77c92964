from __future__ import annotations

import pytest

from sparktray.engines.docker_failures import RULES, diagnose_docker
from sparktray.engines.failures import Rule

DAEMON = "docker: Error response from daemon: "
TEXTS = [
    (DAEMON + 'could not select device driver "" with capabilities: [[gpu]].', "gpu-runtime-missing", {}),
    (DAEMON + "failed to discover GPU vendor from CDI: no known GPU vendor found", "gpu-runtime-missing", {}),
    (
        DAEMON + "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=all",
        "gpu-runtime-missing",
        {},
    ),
    (
        DAEMON + "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0, please"
        " update your driver"
        " to a newer version: unknown.",
        "driver-too-old",
        {},
    ),
    (
        DAEMON + "nvidia-container-cli: initialization error: nvml error: driver not loaded",
        "driver-mismatch",
        {},
    ),
    ("Failed to initialize NVML: Driver/library version mismatch", "driver-mismatch", {}),
    (
        DAEMON + "driver failed programming external connectivity on endpoint sglang (ab12): Bind for"
        " 0.0.0.0:30000 failed:"
        " port is already allocated.",
        "port-taken",
        {"port": "30000"},
    ),
    (
        DAEMON + "failed to set up container networking: driver failed programming external"
        " connectivity on endpoint x:"
        " failed to bind host port for 0.0.0.0:30000:172.17.0.2:30000/tcp: address already in use",
        "port-taken",
        None,
    ),
    (
        DAEMON + "failed to bind host port 0.0.0.0:8000/tcp: address already in use",
        "port-taken",
        {"port": "8000"},
    ),
    (
        DAEMON + "Error starting userland proxy: listen tcp4 0.0.0.0:30000: bind: address already in use.",
        "port-taken",
        {"port": "30000"},
    ),
    (
        DAEMON + "Ports are not available: listen tcp :::11434: bind: address already in use",
        "port-taken",
        {"port": "11434"},
    ),
    (
        DAEMON
        + 'Conflict. The container name "/sglang" is already in use by container "ab12". You have to remove',
        "name-taken",
        {"name": "sglang"},
    ),
    (
        DAEMON + 'invalid mount config for type "bind": bind source path does not exist: /home/x/m.',
        "model-path-missing",
        {"path": "/home/x/m."},
    ),
    (
        "Unable to find image 'a/b:c' locally\n"
        + DAEMON
        + "pull access denied for a/b, repository does not exist or may"
        " require 'docker login': denied",
        "image-denied",
        {"image": "a/b"},
    ),
    (
        DAEMON + "manifest for lmsysorg/sglang:nope not found: manifest unknown: manifest unknown",
        "image-missing",
        {"image": "lmsysorg/sglang:nope", "local": "", "repository": ""},
    ),
    (
        "Error response from daemon: No such image: a/b:c",
        "image-missing",
        {"image": "", "local": "a/b:c", "repository": ""},
    ),
    (DAEMON + "manifest unknown", "image-missing", {}),
    (
        DAEMON
        + 'failed to resolve reference "docker.io/lmsysorg/sglang:x": docker.io/lmsysorg/sglang:x: not found',
        "image-missing",
        {},
    ),
    (DAEMON + "no matching manifest for linux/arm64/v8 in the manifest list entries", "wrong-platform", {}),
    ("exec /usr/bin/python3: exec format error", "wrong-platform", {}),
    (
        "WARNING: The requested image's platform (linux/amd64) does not match the detected"
        " host platform (linux/arm64/v8)"
        " and no specific platform was requested",
        "wrong-platform",
        {},
    ),
    (DAEMON + "toomanyrequests: You have reached your pull rate limit.", "rate-limited", {}),
    (DAEMON + "write /var/lib/docker/tmp/x: no space left on device", "disk-full", {}),
    (
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        "docker-silent",
        {},
    ),
    (
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        "docker-forbidden",
        {},
    ),
    (
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
        "docker-forbidden",
        {},
    ),
    ("bash: line 1: docker: command not found", "docker-missing", {}),
    ("sh: 1: docker: not found", "docker-missing", {}),
    ("sudo: a password is required", "sudo-password", {}),
    (
        DAEMON
        + 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
        "registry-unreachable",
        {},
    ),
    (DAEMON + "net/http: TLS handshake timeout", "registry-unreachable", {}),
    ("docker: invalid reference format.", "image-invalid", {}),
    (
        DAEMON + 'failed to create task: exec: "vllm": executable file not found in $PATH: unknown',
        "command-missing",
        {"program": "vllm"},
    ),
    ("unknown flag: --gpuz", "docker-args", {}),
    ("docker: conflicting options: cannot specify both --restart and --rm.", "docker-args", {}),
    ("Error response from daemon: No such container: sglang", "container-gone", {"name": "sglang"}),
    # Newer engines than the one of tests/rig/test_docker_faults.py.
    (DAEMON + "unknown or invalid runtime name: nvidia.", "gpu-runtime-missing", {}),
    ("Error response from daemon: unauthorized: authentication required", "registry-login", {}),
    ("Error response from daemon: no basic auth credentials", "registry-login", {}),
    (
        'Error response from daemon: Get "https://x:5/v2/": http: server gave HTTP response to HTTPS client',
        "registry-untrusted",
        {},
    ),
    (
        'failed to do request: Head "https://nvcr.io/v2/": dial tcp: lookup nvcr.io on 127.0.0.53:53: server'
        " misbehaving",
        "registry-unreachable",
        {},
    ),
]


@pytest.mark.parametrize(("text", "code", "values"), TEXTS)
def test_a_refusal_names_its_cause(text: str, code: str, values: dict[str, str] | None) -> None:
    problem = diagnose_docker(text + "\nSee 'docker run --help'.")
    assert problem is not None
    assert problem.code == code
    if values is not None:
        assert problem.cause.values == values
    assert problem.cause.msgid.format(**problem.cause.values)
    assert problem.remedy.msgid.format(**problem.remedy.values)
    assert problem.technical.endswith("See 'docker run --help'.")


def test_a_port_is_read_although_the_text_holds_two_addresses() -> None:
    text = "failed to bind host port for 0.0.0.0:30000:172.17.0.2:30001/tcp: address already in use"
    problem = diagnose_docker(text)
    assert problem is not None
    assert problem.cause.values == {"port": "30000"}


@pytest.mark.parametrize("shown", RULES, ids=lambda each: each.code)
def test_what_a_rule_says_is_seen_leads_to_it(shown: Rule) -> None:
    problem = diagnose_docker(shown.seen)
    assert problem is not None
    assert (problem.code, problem.cause.msgid) == (shown.code, shown.cause.msgid)


@pytest.mark.parametrize("text", ["", "Unable to find image 'a/b:c' locally", "a1b2c3", "Downloading 3 MB"])
def test_an_announcement_is_no_refusal(text: str) -> None:
    assert diagnose_docker(text) is None


def test_the_technical_text_is_clean_and_bounded() -> None:
    problem = diagnose_docker("x" * 5000 + "\n\x1b[31mmanifest unknown\u202e")
    assert problem is not None
    assert len(problem.technical) == 1000
    assert problem.technical.endswith("\nmanifest unknown")
