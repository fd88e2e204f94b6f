"""An agent under test, the volume it thinks it has, and its operator."""

import http.client
import json
import os
import shutil
import signal
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

PATIENCE = 60


def wait_for(what, condition, patience=PATIENCE):
    """Waits until condition() gives something true, and returns that."""
    end = time.monotonic() + patience
    last = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
            last = value
        except Exception as error:  # not there yet
            last = error
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}: {last!r}")


def run(*arguments, **options):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **options)


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        self.ca = f"{directory}/ca.crt"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", f"{directory}/ca.key", "-out", self.ca)

    def issue(self, name, alternatives):
        key, certificate = f"{self.directory}/{name}.key", f"{self.directory}/{name}.crt"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}", "-addext", "basicConstraints=critical,CA:FALSE",
            "-CA", self.ca, "-CAkey", f"{self.directory}/ca.key", "-keyout", key, "-out", certificate)
        return certificate, key


class FakeVolume:
    """A control socket whose mount is a plain directory: DATA, shared by those who attach as writer."""

    def __init__(self, socket, data, image_of=None):
        self.state, self.mode, self.branch, self.epoch, self.fenced_by = "detached", None, None, None, None
        self.data, self.image_of = data, image_of
        self.commands = []
        self.on_flush = lambda: None
        self.socket = socket
        self.serve()

    def serve(self):
        volume = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    self.wfile.write(json.dumps(volume.answer(json.loads(line))).encode() + b"\n")

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.server = Server(self.socket, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def die(self):
        """As a process that ends: its socket stays behind, and nobody listens."""
        self.server.shutdown()
        self.server.server_close()

    def begin_again(self):
        self.state, self.mode, self.branch, self.epoch, self.fenced_by = "detached", None, None, None, None
        self.serve()

    def answer(self, command):
        name = command["command"]
        if name == "status":
            return {"ok": True, "state": self.state, "mode": self.mode, "branch": self.branch, "epoch": self.epoch,
                    "fenced_by": self.fenced_by}
        self.commands.append(command)
        if name == "detach":
            self.state, self.mode, self.branch, self.epoch, self.fenced_by = "detached", None, None, None, None
            return {"ok": True}
        if name == "flush":
            self.on_flush()
            return {"ok": True}
        assert name == "attach", command
        wanted = (command["mode"], command["branch"], command.get("epoch"))
        if self.state != "attached" or wanted != (self.mode, self.branch, self.epoch):
            self.mount(command["mode"])
        self.state, self.fenced_by = "attached", None
        self.mode, self.branch, self.epoch = wanted
        return {"ok": True, "lsn": 1, "empty": not os.listdir(self.data)}

    def mount(self, mode):
        if os.path.islink(self.data):
            os.unlink(self.data)
        shared, private = self.image_of, self.data + ".image"
        shutil.rmtree(private, ignore_errors=True)
        os.makedirs(shared, exist_ok=True)
        if mode == "reader":
            self.copy(shared, private)
        os.symlink(shared if mode == "writer" else private, self.data)

    @staticmethod
    def copy(shared, private):
        """The writer stands still meanwhile, so that the copy is one moment's, as the volume's is."""
        stopped = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/comm") as file:
                    if entry.isdigit() and file.read().strip() in ("postgres", "mariadbd"):
                        os.kill(int(entry), signal.SIGSTOP)
                        stopped.append(int(entry))
            except (OSError, ValueError):
                pass
        try:
            subprocess.run(["cp", "-a", shared, private], check=True)
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    def fence(self, epoch):
        self.state, self.fenced_by = "fenced", epoch


class Instance:
    """`volume`: a real one, whose mount is used; else a plain directory. `user`: whom the agent runs as, if not as we do."""

    def __init__(self, cluster, engine, number, shared, ports, writer_port, parameters=None, volume=None, user=None):
        self.name, self.number = f"orders-{number}", number
        self.directory = f"{cluster.directory}/{self.name}"
        os.makedirs(f"{self.directory}/run")
        self.api_port, self.http_port, self.engine_port = ports
        self.cluster = cluster
        self.orders = 0
        self.user = user
        if user is not None:
            os.chown(f"{self.directory}/run", user, user)
        self.volume = volume or FakeVolume(f"{self.directory}/volume.sock", f"{self.directory}/data", shared)
        self.alive_at_flush = []  # the engine's process each time that the volume is flushed
        self.volume.on_flush = lambda: self.alive_at_flush.append(self.engine_process())
        self.config = f"{self.directory}/agent.yaml"
        with open(self.config, "w") as file:
            json.dump({  # which is YAML, too
                "instance": self.name,
                "engine": {"type": engine, "parameters": parameters or {}},
                "data": str(volume.mount) if volume else f"{self.directory}/data",
                "local_directory": volume is None,
                "volume": str(volume.control) if volume else f"{self.directory}/volume.sock",
                "run": f"{self.directory}/run",
                "listen": f"127.0.0.1:{self.api_port}",
                "http": f"127.0.0.1:{self.http_port}",
                "tls": {"ca": cluster.authority.ca, "certificate": cluster.agent[0], "key": cluster.agent[1]},
                "server_tls": {"ca": cluster.authority.ca, "certificate": cluster.server[0], "key": cluster.server[1]},
                "memory": "256MiB",
                "secrets": cluster.secrets,
                "writer_service": {"host": "localhost", "port": writer_port},
                "engine_port": self.engine_port,
            }, file)
        self.log = f"{self.directory}/log"
        self.start()

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(["sextant-agent", "--config", self.config], stdout=log, stderr=log, user=self.user,
                                            group=self.user, extra_groups=None if self.user is None else [])
        wait_for("the agent", self.status)

    def stop(self, patience=PATIENCE):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)

    def call(self, method, path, body=None, client="operator", timeout=PATIENCE):
        context = ssl.create_default_context(cafile=self.cluster.authority.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if client:
            context.load_cert_chain(*getattr(self.cluster, client))
        connection = http.client.HTTPSConnection("localhost", self.api_port, context=context, timeout=timeout)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def status(self):
        code, body = self.call("GET", "/v1/status")
        assert code == 200, body
        return body

    def order(self, role, **more):
        self.orders += 1
        code, body = self.call("POST", "/v1/order", {"id": self.orders, "role": role, **more})
        assert code == 202, body

    def demote(self, timeout_ms=60000):
        self.orders += 1
        return self.call("POST", "/v1/demote", {"id": self.orders, "timeout_ms": timeout_ms})

    def shown_certificate(self, starttls):
        """What a client is shown, as PEM."""
        shown = subprocess.run(["openssl", "s_client", "-starttls", starttls, "-connect", f"localhost:{self.engine_port}"],
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE).stdout
        begin = shown.index("-----BEGIN CERTIFICATE-----")
        return shown[begin:shown.index("-----END CERTIFICATE-----")]

    def shows_a_renewed_certificate(self, starttls):
        process, first = self.engine_process(), self.shown_certificate(starttls)
        self.cluster.renew_server_certificate()
        wait_for("the new certificate", lambda: self.shown_certificate(starttls) != first)
        assert self.engine_process() == process

    def page(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def lines_of_engine(self):
        """What the engine printed."""
        with open(self.log) as file:
            return [json.loads(line)["line"] for line in file if '"event":"engine"' in line]

    def steps(self):
        """What the agent did, in its order."""
        with open(self.log) as file:
            return [json.loads(line)["step"] for line in file if '"event":"step"' in line]

    def accepts_as(self, role):
        def check():
            engine = self.status()["engine"]
            return engine if engine["accepting"] and engine["role"] == role else None
        return wait_for(f"{self.name} to accept as {role}", check)

    def loses_its_volume(self):
        """The volume's process ends: the agent kills the engine and says why. Then there is a volume again."""
        process = self.engine_process()
        self.volume.die()
        wait_for("the kill", lambda: self.status()["engine"]["state"] == "failed")
        assert self.engine_process() is None and not os.path.exists(f"/proc/{process}")
        assert self.status()["engine"]["error"] == "the volume's process has ended", self.status()
        self.volume.begin_again()

    def engine_process(self):
        """The engine's first process: the agent's child of that name."""
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/stat") as file:
                    text = file.read()
            except (OSError, NotADirectoryError):
                continue
            name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            if name in ("postgres", "mariadbd") and int(rest[1]) == self.process.pid:
                return int(entry)
        return None


class Cluster:
    """Certificates and secrets, in a directory that goes with the test."""

    def __init__(self):
        self.directory = tempfile.mkdtemp()
        self.authority = Authority(f"{self.directory}/tls")
        self.names = "DNS:localhost,IP:127.0.0.1"
        self.agent = self.authority.issue("agent", self.names)
        self.renew_server_certificate()
        self.operator = self.authority.issue("operator", "URI:sextant:role:operator")
        self.stranger = self.authority.issue("stranger", "URI:sextant:role:storage")
        self.secrets = f"{self.directory}/secrets"
        os.makedirs(self.secrets)
        self.passwords = {}
        for name in ("app", "replication", "superuser"):
            self.passwords[name] = f"p':\\{name}"
            with open(f"{self.secrets}/{name}-password", "w") as file:
                file.write(self.passwords[name])
        self.shared = f"{self.directory}/shared"

    def renew_server_certificate(self):
        """The same files with another key and certificate."""
        self.server = self.authority.issue("server", self.names)


def main(steps, instances):
    """Runs the steps in their order; the first that fails ends it."""
    passed = 0
    name = steps[0].__name__ if steps else ""
    try:
        for step in steps:
            begin = time.monotonic()
            step()
            passed += 1
            print(f"  [ok] {step.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
    except Exception:
        print(f"  [failed] {step.__name__}")
        traceback.print_exc(file=sys.stdout)
        for instance in instances:
            print(f"--- {instance.name}")
            with open(instance.log) as file:
                print("".join(file.readlines()[-60:]))
    finally:
        for instance in instances:
            instance.process.kill()
            instance.process.wait()
    print(f"{os.path.basename(sys.argv[0]).removesuffix('_test.py')}: {passed} passed, {len(steps) - passed} failed")
    sys.exit(passed != len(steps))
