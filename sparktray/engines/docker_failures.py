"""What the docker command line and its daemon say when they refuse, as a cause and a remedy."""

from __future__ import annotations

from sparktray.domain.phrase import phrase
from sparktray.domain.problem import Problem
from sparktray.domain.text import clean_line
from sparktray.engines.failures import first_match, rule

_LONGEST_TECHNICAL = 1000

# Texts: docker/cli 29.8, moby 28 and 29, and 20.10 where they differ; nvidia-container-cli 1.18.
_DAEMON_RULES = (
    rule(
        "docker-forbidden",
        r"permission denied while trying to connect to the (?:Docker daemon socket|docker API) at",
        phrase("This user may not use Docker on the host."),
        phrase("Run on the host: sudo usermod -aG docker $USER. Then connect again."),
    ),
    rule(
        "docker-silent",
        r"Cannot connect to the Docker daemon at|Is the docker daemon running\?",
        phrase("Docker does not run on the host."),
        phrase("Run on the host: sudo systemctl start docker."),
    ),
    rule(
        "docker-missing",
        r"docker: (?:command )?not found|sudo: docker: command not found",
        phrase("There is no docker command on the host."),
        phrase("Install Docker on the host, or add it to the PATH."),
    ),
    rule(
        "sudo-password",
        r"sudo: a (?:terminal|password) is required|sudo: no tty present",
        phrase("Docker needs sudo on this host, and sudo asks for a password."),
        phrase("Run on the host: sudo usermod -aG docker $USER. Then connect again."),
    ),
)
_GPU_RULES = (
    rule(
        "driver-too-old",
        r"unsatisfied condition: |please update your driver",
        phrase("The NVIDIA driver of the host is too old for this image."),
        phrase("Update the DGX OS and restart the host, or use an older image."),
    ),
    rule(
        "driver-mismatch",
        r"Failed to initialize NVML|Driver/library version mismatch|nvml error: driver",
        phrase("The NVIDIA driver was updated but is not running yet."),
        phrase("Restart the host."),
    ),
    rule(
        "gpu-runtime-missing",
        r"could not select device driver \S* with capabilities: \[\[gpu\]\]"
        r"|failed to discover GPU vendor from CDI|unresolvable CDI devices",
        phrase("Docker on the host cannot use the GPU."),
        phrase("Run: sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker."),
    ),
)
_PLACE_RULES = (
    rule(
        "port-taken",
        r"Bind for \S+:(?P<port>\d+) failed: port is already allocated",
        phrase("Another container holds port {port}."),
        phrase("Stop that container, then try again."),
    ),
    rule(
        "port-taken",
        r"(?:failed to bind host port .*?:|listen tcp[46]? \S*?:)(?P<port>\d+)\S*.*address already in use",
        phrase("Another program on the host holds port {port}."),
        phrase("Stop that program, then try again."),
    ),
    rule(
        "name-taken",
        r'Conflict\. The container name "/?(?P<name>[^"]+)" is already in use',
        phrase("There is already a container named {name}."),
        phrase("Remove or rename that container, then try again."),
    ),
    rule(
        "model-path-missing",
        r"bind source path does not exist: (?P<path>\S+)",
        phrase("The host has no folder {path}."),
        phrase("Check the path in the catalogue."),
    ),
    rule(
        "disk-full",
        r"no space left on device",
        phrase("A disk of the host is full."),
        phrase("Free some space on the host, then try again."),
    ),
)
_IMAGE_RULES = (
    rule(
        "rate-limited",
        r"toomanyrequests",
        phrase("Docker Hub refuses further downloads for now."),
        phrase("Wait some hours or run docker login on the host."),
    ),
    rule(
        "image-denied",
        r"pull access denied for (?P<image>[^\s,]+)",
        phrase("The image {image} does not exist or is private."),
        phrase("Correct the image in the catalogue, or run docker login on the host."),
    ),
    rule(
        "wrong-platform",
        r"no matching manifest for linux/arm64|exec format error|does not match the detected host platform",
        phrase("This image is made for another kind of processor."),
        phrase("Use an image for linux/arm64."),
    ),
    rule(
        "registry-unreachable",
        r"dial tcp.*(?:no such host|i/o timeout|connection refused|network is unreachable)"
        r"|(?:TLS handshake|Client\.Timeout|request canceled while waiting)",
        phrase("The host cannot reach the image's registry."),
        phrase("Check the host's internet connection."),
    ),
    rule(
        "image-missing",
        r"manifest for (?P<image>\S+) not found|No such image: (?P<local>\S+)",
        phrase("The image {image}{local} does not exist."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "image-missing",
        r"manifest unknown|(?:docker\.io|nvcr\.io|ghcr\.io|quay\.io)/\S+: not found",
        phrase("The image does not exist in this version."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "image-invalid",
        r"invalid reference format",
        phrase("The name of the image is not valid."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "command-missing",
        r'exec: "(?P<program>[^"]+)": (?:executable file not found|stat .*no such file)',
        phrase("This image has no program {program}: it belongs to another engine."),
        phrase("Correct the image in the catalogue."),
    ),
    rule(
        "docker-args",
        r"unknown (?:shorthand )?flag|conflicting options: |invalid argument \S+ for",
        phrase("Docker does not accept an option of the command."),
        phrase("Correct docker_args in the catalogue."),
    ),
    rule(
        "container-gone",
        r"No such container: (?P<name>\S+)",
        phrase("There is no container {name} any more."),
        phrase("Try again."),
    ),
)
_RULES = (*_DAEMON_RULES, *_GPU_RULES, *_PLACE_RULES, *_IMAGE_RULES)


def diagnose_docker(stderr: str) -> Problem | None:
    """What the error text of a docker command, or a container's ``State.Error``, means; None if unknown.

    ``Unable to find image … locally`` is only the announcement of a pull and means nothing here.
    """
    lines = [line for line in map(clean_line, stderr.splitlines()) if line]
    failure = first_match(_RULES, lines)
    if failure is None:
        return None
    return Problem(failure.code, failure.cause, failure.remedy, "\n".join(lines)[-_LONGEST_TECHNICAL:])
