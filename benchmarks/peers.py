"""The servers that are measured over TCP: ours, others, and the physical limit.

Each answers "Hello, World!" to every GET and sends back the body of every POST, on one thread. Their
sources and configurations are in peers/, tcp/, tls/ and limit/. Those in TLS_NAMES do it over TLS,
too, if the load says so: "--tls=rsa" (RSA-2048) or "--tls=ecdsa" (P-256).
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import machine
import valgrind

PACKAGES = ("golang-go", "golang-github-valyala-fasthttp-dev", "h2o", "libboost-dev",
            "libnginx-mod-http-echo", "nginx-light", "valgrind")
TLS_PACKAGES = ("nginx-light", "libnginx-mod-http-echo", "openssl", "valgrind")
FOLDER = os.path.join(machine.ROOT, "benchmarks/peers")
OURS = "fasthttp for C++"
OFFLOADED = "fasthttp for C++, keys offloaded"  # Over TLS.
LIMIT = "raw epoll loop"
NAMES = (OURS, "nginx", "h2o", "Boost.Beast", "fasthttp (Go)", "net/http (Go)", LIMIT)
TLS_NAMES = (OURS, "nginx")
KEYS = {"rsa": "rsa:2048", "ecdsa": "ec -pkeyopt ec_paramgen_curve:P-256"}
# Seconds within which a server must listen, and end after SIGTERM; valgrind starts slowly.
PATIENCE = 60


class Peers:
    """All of them, built. As a context it holds a folder for what they write."""

    def __init__(self, names=NAMES):
        machine.install(*(PACKAGES if names != TLS_NAMES else TLS_PACKAGES))
        self.names = names
        self.programs = {}
        if names == TLS_NAMES:
            self.load, self.tls_load, self.programs[OURS], self.tls_server = machine.build(
                "//benchmarks/tcp", "//benchmarks/tls:load", "//benchmarks/tcp:server",
                "//benchmarks/tls:server")
            return
        self.load, ours, limit = machine.build("//benchmarks/tcp", "//benchmarks/tcp:server",
                                               "//benchmarks/limit")
        self.programs = {OURS: ours, LIMIT: limit}
        built = os.path.join(machine.CACHE, "peers")
        os.makedirs(built, exist_ok=True)
        beast = os.path.join(built, "beast")
        machine.run(["g++", "-std=c++17", "-O3", "-DNDEBUG", os.path.join(FOLDER, "beast.cc"),
                     "-o", beast])
        self.programs["Boost.Beast"] = beast
        for name, source in (("fasthttp (Go)", "fasthttp"), ("net/http (Go)", "nethttp")):
            program = os.path.join(built, source)
            machine.run(["go", "build", "-o", program, os.path.join(FOLDER, source + ".go")],
                        env=machine.GO_ENVIRONMENT)
            self.programs[name] = program

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="fasthttp-peers-")
        os.chmod(self.folder.name, 0o755)  # Started by root, h2o becomes another user.
        # It looks for a file of the path that is asked for.
        for path in ("hello.txt", "wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg"):
            path = os.path.join(self.folder.name, "files", path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write("Hello, World!")
        for key, kind in KEYS.items() if self.names == TLS_NAMES else ():
            path = os.path.join(self.folder.name, key)
            machine.run(["openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost", "-newkey",
                         *kind.split(), "-keyout", path + ".key", "-out", path + ".cert"])
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()

    def command(self, name, port, load):
        """The server `name`, ready for what the options `load` of the generator will send."""
        if name == LIMIT:
            size = machine.run([self.load, "--size", *load]).strip()
            options = ["--echo"] if "--request=echo" in load else []
            options += ["--close"] if "--reconnect" in load else []
            return [self.programs[LIMIT], f"--port={port}", f"--request_bytes={size}", *options]
        key = key_of(load)
        if name in (OURS, OFFLOADED) and key is not None:
            return [self.tls_server, f"--port={port}", f"--offload={name == OFFLOADED}",
                    *(f"--{what}={self.folder.name}/{key}.{what}" for what in ("cert", "key"))]
        if name == OURS:
            return [self.programs[OURS], f"--port={port}"]
        if name in ("nginx", "h2o"):
            with open(os.path.join(FOLDER, name + ".conf"), encoding="utf-8") as file:
                text = file.read().replace("PORT", str(port))
            if key is not None:
                text = re.sub(r"(listen \S+)", rf"\1 ssl", text).replace("server {", (
                    f"server {{ ssl_certificate FOLDER/{key}.cert; ssl_protocols TLSv1.3; "
                    f"ssl_certificate_key FOLDER/{key}.key; "))
            text = text.replace("FOLDER", self.folder.name)
            path = os.path.join(self.folder.name, f"{name}-{port}.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return [name, "-c", path]
        return [self.programs[name], str(port)]

    @contextlib.contextmanager
    def serving(self, name, load, prefix=(), stderr=subprocess.DEVNULL):
        """Runs a server; yields its port and its process, which has ended afterwards."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [*prefix, *self.command(name, port, load)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr,
                                   env=dict(os.environ, GOMAXPROCS="1"))
        try:
            wait_for(port, process)
            yield port, process
            end(process)
        finally:
            process.kill()
            process.wait()

    def send(self, port, load, *more, prefix=()):
        """What the generator prints."""
        program = self.load if key_of(load) is None else self.tls_load
        load = [option for option in load if not option.startswith("--tls=")]
        return machine.run([*prefix, program, f"--port={port}", *load, *more])

    def instructions(self, name, load, short, long):
        """User instructions of one request."""
        def count(requests):
            with tempfile.TemporaryFile("w+") as said:
                with self.serving(name, load, prefix=valgrind.COMMAND, stderr=said) as (port, _):
                    self.send(port, load, f"--requests={requests}")
                said.seek(0)
                text = said.read()
            total = valgrind.total(text)
            return total if total is not None else sys.exit(f"{name} under valgrind:\n{text}")

        return (count(long) - count(short)) / (long - short)


def key_of(load):
    """The server's key if the load goes over TLS."""
    return next((option[len("--tls="):] for option in load if option.startswith("--tls=")), None)


def wait_for(port, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{' '.join(process.args)} does not listen")


def end(process):
    """By SIGTERM; again, since nginx misses one that comes right before it waits."""
    for _ in range(PATIENCE // 5):
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
            return
    sys.exit(f"{' '.join(process.args)} does not end")


def cpu_seconds(pid):
    """User and kernel time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return [int(ticks) / os.sysconf("SC_CLK_TCK") for ticks in fields[11:13]]


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status.read(), re.MULTILINE).group(1)) * 1024
