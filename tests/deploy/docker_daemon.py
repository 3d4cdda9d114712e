"""A Docker for `sam local`: the one that runs, or one that is started for these tests, with the image of Lambda's runtime."""

import contextlib
import os
import shutil
import subprocess
import time

import pytest

# Of the default bridge, unless the daemon says otherwise.
BRIDGE = "172.17.0.1"
# A base image that serves a Rust binary: a shell for SAM to work with, the C library, and whom HTTPS trusts.
DEBIAN_PACKAGES = ["busybox-static", "libc6", "libgcc-s1", "ca-certificates"]
APPLETS = ["sh", "mv", "chmod", "cp", "rm", "ls", "cat"]


class Docker:
    """The `docker` command, and the environment that it and SAM need."""

    def __init__(self, environment):
        self.environment = os.environ | environment

    def run(self, *command, check=True, timeout=120, **more):
        return subprocess.run(
            ["docker", *command], env=self.environment, check=check, timeout=timeout, capture_output=True, text=True, **more
        )

    def works(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            # Without a server some versions print what the client knows, and succeed.
            return "Server Version" in self.run("info", check=False, timeout=30).stdout
        return False

    def gateway(self):
        """The address by which containers reach this machine."""
        form = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
        return self.run("network", "inspect", "bridge", "--format", form).stdout.strip() or BRIDGE


@contextlib.contextmanager
def docker_daemon(folder, architecture):
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    with contextlib.ExitStack() as stack:
        docker = Docker({})
        if not docker.works():
            docker = stack.enter_context(own_daemon(folder))
        stack.enter_context(runtime_image(docker, folder, architecture))
        yield docker


@contextlib.contextmanager
def own_daemon(folder):
    """A daemon that leaves nothing behind but an idle bridge."""
    if shutil.which("dockerd") is None or os.geteuid() != 0:
        pytest.skip("docker does not run, and none can be started: that needs dockerd and root")
    socket = f"unix://{folder}/docker.sock"
    places = ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid", "--host", socket]
    log = folder / "log"
    with log.open("wb") as sink:
        daemon = subprocess.Popen(["dockerd", "--userland-proxy=false", *places], stdout=sink, stderr=sink)
    docker = Docker({"DOCKER_HOST": socket})
    try:
        end = time.monotonic() + 60
        while not docker.works():
            if daemon.poll() is not None or time.monotonic() > end:
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                pytest.skip(f"dockerd does not start: {''.join(last)}")
            time.sleep(0.5)
        yield docker
    finally:
        daemon.terminate()
        daemon.wait(60)


@contextlib.contextmanager
def runtime_image(docker, folder, architecture):
    """Lambda's own image, or one like it. SAM takes what is there."""
    name = f"public.ecr.aws/lambda/provided:al2023-{architecture}"
    if docker.run("image", "inspect", name, check=False).returncode == 0:
        yield
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        if docker.run("pull", name, check=False, timeout=300).returncode == 0:
            yield
            return
    import_image(docker, name, folder)
    try:
        yield
    finally:
        # Nobody is to take it for Lambda's, or what SAM has built upon it.
        for image in (name.replace("al2023-", "al2023-rapid-"), name):
            docker.run("rmi", "--force", image, check=False)


def import_image(docker, name, folder):
    """Its C library is Debian's, newer than Amazon's: it proves that all fits together, not that the binary's symbols do."""
    if shutil.which("apt-get") is None:
        pytest.skip(f"{name} cannot be pulled, nor made here: there is no apt-get")
    packages, root = folder / "packages", folder / "root"
    packages.mkdir()
    root.mkdir()
    fetched = subprocess.run(["apt-get", "download", *DEBIAN_PACKAGES], cwd=packages, capture_output=True, text=True)
    if fetched.returncode != 0:
        pytest.skip(f"{name} cannot be pulled, nor made here: apt-get download: {fetched.stderr.strip()}")
    for package in packages.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for place in ("tmp", "var/task", "var/runtime", "opt"):
        (root / place).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    # Where Amazon Linux has it. Debian makes its own when the package is installed, and here it is only unpacked.
    bundle = root / "etc/pki/tls/certs/ca-bundle.crt"
    bundle.parent.mkdir(parents=True)
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle.write_bytes(b"".join(one.read_bytes() for one in certificates))
    tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    docker.run("import", "-c", "WORKDIR /var/task", "-", name, stdin=tar.stdout)
    assert tar.wait() == 0
