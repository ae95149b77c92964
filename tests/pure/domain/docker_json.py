"""A container as the Docker Engine's HTTP API tells of it: 20.10 (API 1.41) and 29 (API 1.52)."""

from __future__ import annotations

from typing import Any

ID = "4c01db0b339c" + "7e" * 26
IMAGE_ID = "sha256:" + "ab" * 32
COMMAND = ("--model-path", "/model", "--port", "30000", "--host", "0.0.0.0")
STARTED = "2026-11-23T10:00:00.5Z"
STARTED_AT = 1795428000.5
NEVER = "0001-01-01T00:00:00Z"
MODEL_FOLDER = "/home/sparkuser/ai/models/qwen"

LISTED_20: dict[str, Any] = {
    "Id": ID,
    "Names": ["/sglang"],
    "Image": "lmsysorg/sglang:spark",
    "ImageID": IMAGE_ID,
    "Command": "python3 -m sglang.launch_server --model-path /model --port 30000 --host 0.0.0.0",
    "Created": 1795427999,
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 30000, "PublicPort": 30000, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 30000, "PublicPort": 30000, "Type": "tcp"},
        {"PrivatePort": 8265, "Type": "tcp"},
    ],
    "Labels": {"org.opencontainers.image.version": "22.04"},
    "State": "running",
    "Status": "Up 5 minutes",
    "HostConfig": {"NetworkMode": "default"},
    "NetworkSettings": {"Networks": {"bridge": {"IPAMConfig": None, "IPAddress": "172.17.0.2"}}},
    "Mounts": [{"Type": "bind", "Source": MODEL_FOLDER, "Destination": "/model", "Mode": "", "RW": True}],
}
LISTED_29: dict[str, Any] = LISTED_20 | {
    "HostConfig": {"NetworkMode": "bridge"},
    "ImageManifestDescriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 9},
    "Health": {"Status": "none", "FailingStreak": 0},
}

_STATE: dict[str, Any] = {
    "Status": "running",
    "Running": True,
    "Paused": False,
    "Restarting": False,
    "OOMKilled": False,
    "Dead": False,
    "Pid": 4242,
    "ExitCode": 0,
    "Error": "",
    "StartedAt": STARTED,
    "FinishedAt": NEVER,
}
_CONFIG: dict[str, Any] = {
    "Hostname": ID[:12],
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "ExposedPorts": {"30000/tcp": {}, "8265/tcp": {}},
    "Tty": False,
    "Env": ["HF_TOKEN=hf_secret", "PATH=/usr/bin"],
    "Cmd": list(COMMAND),
    "Image": "lmsysorg/sglang:spark",
    "Volumes": None,
    "WorkingDir": "/sgl-workspace",
    "Entrypoint": ["python3", "-m", "sglang.launch_server"],
    "OnBuild": None,
    "Labels": {"org.sparktray.server": "sglang", "org.sparktray.operation": "op1"},
}
_HOST: dict[str, Any] = {
    "Binds": [f"{MODEL_FOLDER}:/model"],
    "NetworkMode": "default",
    "PortBindings": {"30000/tcp": [{"HostIp": "", "HostPort": "30000"}]},
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "ShmSize": 34359738368,
    "IpcMode": "private",
    "DeviceRequests": [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}],
}
_BRIDGE: dict[str, Any] = {
    "IPAMConfig": None,
    "Links": None,
    "Aliases": None,
    "NetworkID": "cd" * 32,
    "EndpointID": "ef" * 32,
    "Gateway": "172.17.0.1",
    "IPAddress": "172.17.0.2",
    "IPPrefixLen": 16,
    "IPv6Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "MacAddress": "02:42:ac:11:00:02",
    "DriverOpts": None,
}
_ACTUAL_PORTS: dict[str, Any] = {
    "30000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "30000"}, {"HostIp": "::", "HostPort": "30000"}],
    "8265/tcp": None,
}
INSPECTED_20: dict[str, Any] = {
    "Id": ID,
    "Created": "2026-11-23T09:59:59.25Z",
    "Path": "python3",
    "Args": ["-m", "sglang.launch_server", *COMMAND],
    "State": _STATE,
    "Image": IMAGE_ID,
    "Name": "/sglang",
    "RestartCount": 0,
    "Mounts": [
        {"Type": "bind", "Source": MODEL_FOLDER, "Destination": "/model", "Mode": "", "RW": True},
        {
            "Type": "volume",
            "Name": "cache",
            "Source": "/var/lib/docker/volumes/cache/_data",
            "Driver": "local",
        }
        | {"Destination": "/root/.cache", "RW": True},
    ],
    "HostConfig": _HOST,
    "Config": _CONFIG,
    "NetworkSettings": {
        "Bridge": "",
        "IPAddress": "172.17.0.2",
        "Ports": _ACTUAL_PORTS,
        "Networks": {"bridge": _BRIDGE},
    },
}
# The Engine 29 has one settings' map a network and no copy of the first one beside them; it adds names for
# its DNS and a priority, and leaves empty fields of the configuration out.
INSPECTED_29: dict[str, Any] = INSPECTED_20 | {
    "Platform": "linux",
    "Config": {key: value for key, value in _CONFIG.items() if value not in (None, "", False)},
    "HostConfig": _HOST | {"NetworkMode": "bridge"},
    "NetworkSettings": {
        "Ports": _ACTUAL_PORTS,
        "Networks": {"bridge": _BRIDGE | {"GwPriority": 0, "DNSNames": None}},
    },
}


def inspect(base: dict[str, Any] = INSPECTED_29, **parts: dict[str, Any]) -> dict[str, Any]:
    """That inspect with some fields of its parts changed: ``inspect(State={"ExitCode": 1})``."""
    return base | {part: base[part] | changes for part, changes in parts.items()}
