"""Six sextant-storage processes and sextant-volume beside engines, on this machine's loopback."""

import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

BUILD = pathlib.Path(os.environ.get("SEXTANT_BUILD", "/src/build/release"))
ports = itertools.count(17400)


def next_port():
    return next(ports)


def wait_for(what, seconds, condition):
    """Waits for a condition and returns what it gave; an exception of its own means not yet."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (OSError, RuntimeError) as error:
            last = error
        time.sleep(0.01)
    raise TimeoutError(f"{what}: not within {seconds} s ({last})")


class Process:
    """A program with its output in a file."""

    def __init__(self, arguments, log, user=None):
        self.log = log
        group = {"user": user, "group": user, "extra_groups": []} if user else {}
        with open(log, "ab") as output:
            self.process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True, **group)

    def family(self):
        """Its id and those of its children."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [self.process.pid] + [int(child) for child in children.read_text().split()]
        except FileNotFoundError:
            return [self.process.pid]

    def signal(self, number):
        for process in self.family():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """Until nothing is left of it."""
        family = self.family()
        self.signal(signal.SIGKILL)
        self.process.wait()
        wait_for("the end of its children", 30, lambda: not any(os.path.exists(f"/proc/{process}") for process in family))

    def alive(self):
        return self.process.poll() is None


class Storage:
    def __init__(self, root):
        self.root = root
        self.addresses = [(f"127.0.0.1:{next_port()}", "abc"[i // 2]) for i in range(6)]
        self.nodes = [None] * 6
        peers = "".join(f"  - {{address: \"{address}\", zone: {zone}}}\n" for address, zone in self.addresses)
        for i, (address, zone) in enumerate(self.addresses):
            (root / f"storage-{i}.yaml").write_text(
                f"data_directory: {root}/disk-{i}\nlisten: {address}\nhttp: 127.0.0.1:{next_port()}\nzone: {zone}\n"
                f"insecure: true\npeers:\n{peers}")
            self.start(i)
        nodes = [word for address, zone in self.addresses for word in ("--node", f"{address},{zone}")]
        self.storectl = [str(BUILD / "storage/storectl/sextant-storectl"), "--insecure", "--timeout", "30"] + nodes
        subprocess.run(self.storectl + ["init"], check=True, stdout=subprocess.DEVNULL)

    def start(self, i):
        self.nodes[i] = Process([BUILD / "storage/server/sextant-storage", "--config", self.root / f"storage-{i}.yaml"],
                                self.root / f"storage-{i}.log")

    def kill(self, i):
        self.nodes[i].kill()


class Refused(RuntimeError):
    def __init__(self, answer):
        super().__init__(str(answer.get("error")))
        self.code = answer.get("error", {}).get("code")


class Volume:
    """A sextant-volume process with a mount of its own, as on a node of its own."""

    count = itertools.count(1)

    def __init__(self, storage, owner):
        self.root = storage.root / f"volume-{next(self.count)}"
        self.root.mkdir()
        self.root.chmod(0o755)
        self.mount = self.root / "data"
        self.control = self.root / "volume.sock"
        nodes = "".join(f"  - {{address: \"{address}\", zone: {zone}}}\n" for address, zone in storage.addresses)
        self.config = self.root / "volume.yaml"
        self.config.write_text(
            f"mount: {self.mount}\ncontrol: {self.control}\nhttp: 127.0.0.1:{next_port()}\nzone: a\ninsecure: true\n"
            f"owner: {{uid: {owner}, gid: {owner}}}\noverlay: {{directory: {self.root}/overlay}}\nnodes:\n{nodes}")
        self.program = BUILD / "volume/server/sextant-volume"
        self.process = Process([self.program, "--config", self.config], self.root / "volume.log")
        wait_for("sextant-volume", 20, lambda: self.ask(command="status"))

    def ask(self, **command):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.control))
            connection.sendall(json.dumps(command).encode() + b"\n")
            answer = json.loads(connection.makefile().readline() or "{}")
        if not answer.get("ok"):
            raise Refused(answer)
        return answer

    def attach_writer(self, branch, epoch):
        return self.ask(command="attach", mode="writer", branch=branch, epoch=epoch, timeout_ms=60000)

    def attach_reader(self, branch, **point):
        return self.ask(command="attach", mode="reader", branch=branch, timeout_ms=60000, **point)

    def kill(self):
        self.process.kill()
        self.unmount()

    def unmount(self):
        subprocess.run(["umount", "--lazy", str(self.mount)], stderr=subprocess.DEVNULL, check=False)

    def stop(self):
        self.process.process.terminate()
        return self.process.process.wait()
