"""How long clients wait when a writer hands over to a reader, and where the time goes: agents, mounts and engines as in a cluster,
over six storage processes, without Kubernetes. switchover.py ENGINE [ROUNDS]; switchover.sh runs it in a container."""

import datetime
import json
import os
import pathlib
import random
import socket
import socketserver
import statistics
import sys
import threading
import time
import urllib.request

import psycopg2
import pymysql

sys.path.append(os.path.join(os.path.dirname(__file__), "../volume"))
from cluster import Storage, Volume  # noqa: E402
from instance import Cluster, Instance, run, wait_for  # noqa: E402

OWNER = 65532
CLIENTS = 4
ROWS = 20000
QUIET = 5  # seconds of load between two rounds


class Clients:
    """They write all the time, through whichever instance takes it, and remember when each write was acknowledged."""

    def __init__(self, kind, cluster, ports):
        self.kind, self.cluster, self.ports = kind, cluster, ports
        self.acknowledged = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(CLIENTS)]

    def connect(self, port):
        if self.kind == "mariadb":
            return pymysql.connect(host="localhost", port=port, user="app", password=self.cluster.passwords["app"], database="app",
                                   ssl={"ca": self.cluster.authority.ca}, connect_timeout=2, autocommit=True)
        connection = psycopg2.connect(host="localhost", port=port, user="app", password=self.cluster.passwords["app"], dbname="app",
                                      sslmode="require", connect_timeout=2)
        connection.autocommit = True
        return connection

    def work(self, number):
        chance = random.Random(number)
        while not self.stopping.is_set():
            for port in self.ports:
                try:
                    connection = self.connect(port)
                    with connection.cursor() as cursor:
                        while not self.stopping.is_set():
                            row = chance.randrange(ROWS) // CLIENTS * CLIENTS + number
                            cursor.execute("UPDATE entries SET pad = %s, n = n + 1 WHERE id = %s", ("x" * chance.randrange(300), row))
                            self.acknowledged.append(time.time())
                except (pymysql.Error, psycopg2.Error, OSError):
                    time.sleep(0.01)

    def gap(self, since):
        """The longest time without an acknowledged write since then: its length, when it began and when it ended."""
        times = sorted(t for t in self.acknowledged if t >= since)
        return max((b - a, a, b) for a, b in zip(times, times[1:]))


class Service(socketserver.ThreadingTCPServer):
    """What readers follow: leads to the writer of the moment."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port):
        self.target = None
        super().__init__(("127.0.0.1", port), ServiceHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ServiceHandler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            with socket.create_connection(("127.0.0.1", self.server.target)) as there:
                back = threading.Thread(target=self.copy, args=(there, self.request), daemon=True)
                back.start()
                self.copy(self.request, there)
                back.join()
        except OSError:
            pass

    @staticmethod
    def copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def events(path, source):
    with open(path) as file:
        for text in file:
            try:
                line = json.loads(text)
            except ValueError:
                continue
            at = datetime.datetime.fromisoformat(line.pop("time")).timestamp()
            line.pop("level", None)
            yield at, source, " ".join(str(value) for value in line.values())


def misses(volume):
    """Pages read from the storage nodes since the mount."""
    port = volume.config.read_text().split("http: 127.0.0.1:")[1].split("\n")[0]
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    return int(sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("sextant_volume_cache_misses_total")))


def measure(kind, rounds, show):
    cluster = Cluster()
    run("chown", "-R", f"{OWNER}:{OWNER}", cluster.directory)
    os.chmod(cluster.directory, 0o755)
    root = pathlib.Path(cluster.directory)
    storage = Storage(root)
    ports = (7003, 7013)
    service = Service(7000)
    instances = [Instance(cluster, kind, number, None, (port - 2, port - 1, port), service.server_address[1],
                          volume=Volume(storage, OWNER), user=OWNER) for number, port in enumerate(ports, 1)]
    try:
        hand_over_again_and_again(cluster, service, instances, kind, rounds, show)
    except Exception:
        for instance in instances:
            for log in (instance.log, instance.volume.process.log):
                with open(log) as file:
                    print(f"--- {instance.name}: {log}", "".join(file.readlines()[-40:]), sep="\n")
        raise
    finally:
        for instance in instances:
            instance.process.terminate()
            instance.process.wait(60)
            instance.volume.kill()
        for node in storage.nodes:
            node.kill()


def hand_over_again_and_again(cluster, service, instances, kind, rounds, show):
    writer, reader = instances
    epoch, gaps = 1, []
    writer.order("writer", branch=1, epoch=epoch)
    writer.accepts_as("writer")
    clients = Clients(kind, cluster, [instance.engine_port for instance in instances])
    connection = wait_for("a client", lambda: clients.connect(writer.engine_port))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE entries (id int PRIMARY KEY, n int, pad varchar(300))")
        for first in range(0, ROWS, 1000):
            rows = ",".join(f"({i}, 0, '{'y' * 200}')" for i in range(first, first + 1000))
            cursor.execute("INSERT INTO entries VALUES " + rows)
    connection.close()
    for thread in clients.threads:
        thread.start()
    for number in range(rounds):
        service.target = writer.engine_port
        reader.order("reader", branch=1)
        reader.accepts_as("reader")
        count = len(clients.acknowledged)
        time.sleep(QUIET)  # the load is what is waited for
        rate = (len(clients.acknowledged) - count) / QUIET
        begun = time.time()
        marks = [(begun, "test", "the order to hand over")]
        orders = max(writer.orders, reader.orders)
        writer.orders = reader.orders = orders
        reader.order("none")
        code, body = writer.demote()
        assert code == 200, body
        marks.append((time.time(), "test", "handed over"))
        epoch += 1
        reader.order("writer", branch=1, epoch=epoch)
        reader.accepts_as("writer")
        marks.append((time.time(), "test", "seen to accept"))
        count = len(clients.acknowledged)
        wait_for("writes", lambda: len(clients.acknowledged) > count + CLIENTS)
        length, start, end = clients.gap(begun - 1)
        gaps.append(length)
        marks += [(start, "test", "last write of the old"), (end, "test", "first write of the new")]
        print(f"  {number + 1}: {length:.2f} s; before it {rate:.0f} writes/s; pages read after it {misses(reader.volume)}", flush=True)
        if number in show:
            told = list(marks)
            for instance in instances:
                told += events(instance.log, instance.name)
                told += events(instance.volume.process.log, instance.name + " volume")
            for at, source, text in sorted(told):
                if begun - 0.1 <= at <= end + 0.5:
                    print(f"    {at - start:7.3f} {source:16} {text[:150]}")
        writer, reader = reader, writer
    print(f"{kind}: gap p50 {statistics.median(gaps):.2f} s, worst {max(gaps):.2f} s of {rounds}")
    clients.stopping.set()


if __name__ == "__main__":
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    measure(sys.argv[1], rounds, {0, rounds - 1} if os.environ.get("TIMELINE", "1") != "0" else set())
