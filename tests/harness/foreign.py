"""`python -m harness.foreign`: install what the interop suite needs from outside Python.

kcat, Java, Go and Node come from the system's packages (apt, as root) unless they are there; Apache
Kafka's jars through Maven, Go's modules and Node's packages through their own tools, as locked.
"""

import os
import shutil
import subprocess
import sys

from harness import apache, go, java_programs, kcat, node

_PACKAGES = {
    "kcat": "kcat",
    "javac": "default-jdk-headless",
    "go": "golang-go",
    "node": "nodejs",
    "npm": "npm",
    "mvn": "maven",
}


def missing_packages() -> list[str]:
    """Debian packages of the programs that are not on the path."""
    needed = _PACKAGES.keys() - ({"mvn"} if apache.installed() else set())
    return sorted(_PACKAGES[program] for program in needed if shutil.which(program) is None)


def install() -> None:
    """Bring everything here. Raises RuntimeError or CalledProcessError when that is impossible."""
    if packages := missing_packages():
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            raise RuntimeError(f"please install: {' '.join(packages)}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            command = ["apt-get", "-q", *arguments]
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    apache.install()
    kcat.executable()
    java_programs.install()
    go.install()
    node.install()


if __name__ == "__main__":
    try:
        install()
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"make interop needs its foreign tools: {error}")
