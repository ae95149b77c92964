"""What the docker command line and its daemon say when they refuse, as a cause and a remedy."""

from __future__ import annotations

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line
from sparktray.engines.failures import first_match, rule

_LONGEST_TECHNICAL = 1000

# Texts: docker/cli 29.8, moby 28 and 29, and Debian's 20.10, which tests/rig/test_docker_faults.py provokes;
# nvidia-container-cli 1.18.
_DAEMON_RULES = (
    rule(
        "docker-forbidden",
        "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
        r"permission denied while trying to connect to the (?:Docker daemon socket|docker API) at",
        phrase("This user may not use Docker on the host."),
        phrase("Run on the host: sudo usermod -aG docker $USER. Then connect again."),
    ),
    rule(
        "docker-silent",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        r"Cannot connect to the Docker daemon at|Is the docker daemon running\?",
        phrase("Docker does not run on the host."),
        phrase("Run on the host: sudo systemctl start docker."),
    ),
    rule(
        "docker-missing",
        "docker: command not found",
        r"docker: (?:command )?not found|sudo: docker: command not found",
        phrase("There is no docker command on the host."),
        phrase("Install Docker on the host, or add it to the PATH."),
    ),
    rule(
        "sudo-password",
        "sudo: a password is required",
        r"sudo: a (?:terminal|password) is required|sudo: no tty present",
        phrase("Docker needs sudo on this host, and sudo asks for a password."),
        phrase("Run on the host: sudo usermod -aG docker $USER. Then connect again."),
    ),
)
_GPU_RULES = (
    rule(
        "driver-too-old",
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13, please update your driver",
        r"unsatisfied condition: |please update your driver",
        phrase("The NVIDIA driver of the host is too old for this image."),
        phrase("Update the DGX OS and restart the host, or use an older image."),
    ),
    rule(
        "driver-mismatch",
        "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch",
        r"Failed to initialize NVML|Driver/library version mismatch|nvml error: driver",
        phrase("The NVIDIA driver was updated but is not running yet."),
        phrase("Restart the host."),
    ),
    rule(
        "gpu-runtime-missing",
        'could not select device driver "" with capabilities: [[gpu]]',
        r"could not select device driver \S* with capabilities: \[\[gpu\]\]"
        r"|failed to discover GPU vendor from CDI|unresolvable CDI devices"
        r"|unknown (?:or invalid )?runtime (?:specified|name:) nvidia",
        phrase("Docker on the host cannot use the GPU."),
        phrase("Run: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker."),
    ),
)
_PLACE_RULES = (
    rule(
        "port-taken",
        "Bind for 0.0.0.0:30000 failed: port is already allocated",
        r"Bind for \S+:(?P<port>\d+) failed: port is already allocated",
        phrase("Another container holds port {port}."),
        phrase("Stop that container, then try again."),
    ),
    rule(
        "port-taken",
        "failed to bind host port 0.0.0.0:30000/tcp: address already in use",
        r"(?:failed to bind host port .*?:|listen tcp[46]? \S*?:)(?P<port>\d+)\S*.*address already in use",
        phrase("Another program on the host holds port {port}."),
        phrase("Stop that program, then try again."),
    ),
    rule(
        "name-taken",
        'Conflict. The container name "/sglang" is already in use by container "4f6a".',
        r'Conflict\. The container name "/?(?P<name>[^"]+)" is already in use',
        phrase("There is already a container named {name}."),
        phrase("Remove or rename that container, then try again."),
    ),
    rule(
        "model-path-missing",
        "bind source path does not exist: /home/sparkuser/ai/models/qwen3",
        r"bind source path does not exist: (?P<path>\S+)",
        phrase("The host has no folder {path}."),
        phrase("Check the path in the catalogue."),
    ),
    rule(
        "mount-invalid",
        'error mounting "/home/sparkuser/model" to rootfs at "/model": not a directory',
        r"error mounting (?P<path>\S+) to rootfs|invalid volume specification: (?P<volume>\S+)"
        r"|create (?P<local>[^\s:]+): .* includes invalid characters for a local volume name",
        phrase("Docker cannot give the container this folder: {path}{volume}{local}"),
        phrase("Name an existing folder of the host by its whole path, which begins with /."),
    ),
    rule(
        "volume-missing",
        "No such volume: ollama",
        r"No such volume: (?P<name>\S+)",
        phrase("There is no volume {name} on the host."),
        phrase("Look at what there is: docker volume ls"),
    ),
    rule(
        "volume-held",
        "remove open-webui: volume is in use",
        r"remove (?P<name>\S+): volume is in use",
        phrase("A container still uses the volume {name}."),
        phrase("Remove that container first: docker ps -a --filter volume={name}"),
    ),
    rule(
        "device-missing",
        'error gathering device information while adding custom device "/dev/infiniband"',
        r'adding custom device "(?P<name>[^"]+)"',
        phrase("The host has no device {name}."),
        phrase("Correct docker_args in the catalogue."),
    ),
    rule(
        "network-missing",
        "network spark-net not found",
        r"network (?P<name>\S+) not found",
        phrase("Docker on the host has no network {name}."),
        phrase(
            "Make it on the host (docker network create {name}), or correct docker_args in the catalogue."
        ),
    ),
    rule(
        "disk-full",
        "write /var/lib/docker/overlay2: no space left on device",
        r"no space left on device",
        phrase("A disk of the host is full."),
        phrase("Free some space on the host, then try again."),
    ),
)
_REGISTRY_RULES = (
    rule(
        "rate-limited",
        "toomanyrequests: You have reached your pull rate limit.",
        r"toomanyrequests",
        phrase("Docker Hub refuses further downloads for now."),
        phrase("Wait some hours or run docker login on the host."),
    ),
    rule(
        "image-denied",
        "pull access denied for my/image, repository does not exist or may require 'docker login'",
        r"pull access denied for (?P<image>[^\s,]+)",
        phrase("The image {image} does not exist or is private."),
        phrase("Correct the image in the catalogue, or run docker login on the host."),
    ),
    rule(
        "registry-login",
        "unauthorized: authentication required",
        r"unauthorized(?:: |$)|no basic auth credentials",
        phrase("The image's registry wants a login."),
        phrase("Run docker login with the name of the registry on the host (nvcr.io: user $oauthtoken)."),
    ),
    rule(
        "wrong-platform",
        "no matching manifest for linux/arm64/v8 in the manifest list entries",
        r"no matching manifest for linux/|exec format error|does not match the detected host platform",
        phrase("This image is made for another kind of processor."),
        phrase("Use an image for linux/arm64."),
    ),
    rule(
        "registry-untrusted",
        "x509: certificate signed by unknown authority",
        r"x509: |first record does not look like a TLS handshake|server gave HTTP response to HTTPS client",
        phrase("The image's registry has no certificate that the host trusts."),
        phrase(
            "Check the registry's name and the host's clock, or install the registry's certificate there."
        ),
    ),
    rule(
        "registry-unreachable",
        "dial tcp: lookup registry-1.docker.io: no such host",
        r"dial tcp.*(?:no such host|i/o timeout|connection refused|network is unreachable|server misbehaving)"
        r"|TLS handshake timeout|Client\.Timeout|request canceled while waiting|connection reset by peer",
        phrase("The host cannot reach the image's registry."),
        phrase("Check the host's internet connection."),
    ),
    rule(
        "registry-broken",
        "received unexpected HTTP status: 503 Service Unavailable",
        r"received unexpected HTTP status: (?P<status>5\d\d)",
        phrase("The image's registry has a fault of its own ({status})."),
        phrase("Try again later."),
    ),
)
_IMAGE_RULES = (
    rule(
        "image-missing",
        "manifest for lmsysorg/sglang:nope not found: manifest unknown",
        r"manifest for (?P<image>\S+) not found|No such image: (?P<local>\S+)"
        r"|repository (?P<repository>\S+) not found",
        phrase("The image {image}{local}{repository} does not exist."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "image-missing",
        "docker.io/lmsysorg/sglang:nope: not found",
        r"manifest unknown|(?:docker\.io|nvcr\.io|ghcr\.io|quay\.io)/\S+: not found",
        phrase("The image does not exist in this version."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "image-invalid",
        "invalid reference format: repository name must be lowercase",
        r"invalid reference format",
        phrase("The name of the image is not valid."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "command-missing",
        'exec: "vllm": executable file not found in $PATH',
        r'exec: "(?P<program>[^"]+)": (?:executable file not found|stat .*no such file|permission denied)',
        phrase("This image has no program {program}: it belongs to another engine."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "docker-args",
        "unknown flag: --gpuz",
        r"unknown (?:shorthand )?flag|conflicting options: |invalid argument \S+ for"
        r"|Invalid (?:hostPort|containerPort|container name)|Minimum memory limit"
        r"|docker: open \S+: no such file",
        phrase("Docker does not accept an option of the command."),
        phrase("Correct docker_args in the catalogue."),
    ),
    rule(
        "container-gone",
        "No such container: sglang",
        r"No such container: (?P<name>\S+)",
        phrase("There is no container {name} any more."),
        phrase("Try again."),
    ),
)
RULES = (*_DAEMON_RULES, *_GPU_RULES, *_PLACE_RULES, *_REGISTRY_RULES, *_IMAGE_RULES)


def diagnose_docker(stderr: str) -> Problem | None:
    """What the error text of a docker command, or a container's ``State.Error``, means; None if unknown.

    ``Unable to find image … locally`` is only the announcement of a pull and means nothing here.
    """
    lines = [line for line in map(clean_line, stderr.splitlines()) if line]
    failure = first_match(RULES, lines)
    if failure is None:
        return None
    return Problem(failure.code, failure.cause, failure.remedy, "\n".join(lines)[-_LONGEST_TECHNICAL:])
