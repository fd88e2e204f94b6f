"""Stock engines on mounts, and what may happen to them: run.py TEST… [--rounds N]. See tests/volume/README.md."""

import argparse
import datetime
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback

from cluster import Refused, Storage, Volume, wait_for
from engines import ENGINES, PostgreSQL
from load import Load, judge, prepare

LOAD_TIME = 3  # seconds


class World:
    """A storage of its own, and epochs."""

    def __init__(self, root, kind):
        self.storage = Storage(root)
        self.kind = kind
        self.epoch = 0
        self.volumes = []

    def volume(self):
        volume = Volume(self.storage, self.kind.owner())
        self.volumes.append(volume)
        return volume

    def writer(self, branch=1, volume=None):
        volume = volume or self.volume()
        self.epoch += 1
        answer = volume.attach_writer(branch, self.epoch)
        engine = self.kind(volume)
        if answer["empty"]:
            engine.initialize()
        else:
            engine.forget_process()
        return volume, engine

    def close(self):
        for volume in self.volumes:
            volume.kill()
        for node in self.storage.nodes:
            node.kill()


def first_commit(engine):
    """Waits until the engine takes a commit."""
    connection = engine.ready()
    with connection.cursor() as cursor:
        cursor.execute("update ledger.accounts set pad = 'first' where id = 0")
    connection.close()


def spread(values):
    values = sorted(values)
    return f"p50 {values[len(values) // 2]:.2f} s, p99 {values[min(len(values) - 1, len(values) * 99 // 100)]:.2f} s"


def crash(world, rounds, seed):
    """SIGKILL of engine and mount under load, with two storage nodes every third time; take over, count, check."""
    chance = random.Random(seed)
    volume, engine = world.writer()
    engine.start()
    prepare(engine)
    times, commits, there = [], 0, {}
    for number in range(rounds):
        load = Load(engine, there)
        started = load.total()
        time.sleep(chance.uniform(0.5, 3.0))
        nodes = chance.sample(range(6), 2) if number % 3 == 2 else []
        for node in nodes:
            world.storage.kill(node)
        victims = [engine, volume]
        chance.shuffle(victims)
        for victim in victims:
            victim.kill()
        load.stop()
        begun = time.monotonic()
        volume, engine = world.writer()
        engine.start()
        first_commit(engine)
        times.append(time.monotonic() - begun)
        there = judge(engine, load.acknowledged)
        engine.check()
        commits += load.total() - started
        for node in nodes:
            world.storage.start(node)
    engine.stop()
    engine.check_stopped()
    print(f"    {rounds} crashes, {commits} acknowledged commits, none lost; from takeover to the first commit {spread(times)}")


def fencing(world, rounds, seed):
    """A writer that froze and thaws after another took over commits nothing more."""
    volume, engine = world.writer()
    engine.start()
    prepare(engine)
    load = Load(engine, {})
    wait_for("commits", 30, lambda: load.total() > 50)
    for process in (engine.process, volume.process):
        process.signal(signal.SIGSTOP)
    frozen = dict(load.acknowledged)
    _, taken = world.writer()
    taken.start()
    first_commit(taken)
    for process in (volume.process, engine.process):
        process.signal(signal.SIGCONT)
    wait_for("the old writer is fenced", 30, lambda: volume.ask(command="status")["state"] == "fenced")
    load.stop()
    late = {w: s - frozen.get(w, 0) for w, s in load.acknowledged.items() if s > frozen.get(w, 0)}
    # An answer that was on its way to the client when the writer froze was true then: the rows are there.
    judge(taken, load.acknowledged)
    taken.check()
    print(f"    the old writer's clients failed with {len(load.errors)} errors; {len(late)} answers were under way")


def reader(world, rounds, seed):
    """A standby from a reader's mount streams from the writer and shows the same."""
    _, engine = world.writer()
    engine.start()
    prepare(engine)
    load = Load(engine, {})
    wait_for("commits", 30, lambda: load.total() > 200)
    times = []
    for _ in range(rounds):
        begun = time.monotonic()
        volume = world.volume()
        volume.attach_reader(1)
        standby = PostgreSQL(volume)
        (standby.data / "standby.signal").touch()
        standby.forget_process()
        standby.start(primary_conninfo=f"host={engine.run} port={engine.port} user=postgres", hot_standby="on")
        wait_for("a query", 60, lambda: standby.ready().close() is None)
        standby.query("select count(*) from ledger.entries")
        times.append(time.monotonic() - begun)
        if times[-1] > 5:
            raise AssertionError(f"the first query came after {times[-1]:.1f} s")
        at = engine.query("select pg_current_wal_lsn()")[0][0]
        wait_for("it follows", 60, lambda: standby.query(f"select pg_last_wal_replay_lsn() >= '{at}'")[0][0])
        last = standby
    load.stop()
    at = engine.query("select pg_current_wal_lsn()")[0][0]
    wait_for("the end", 60, lambda: last.query(f"select pg_last_wal_replay_lsn() >= '{at}'")[0][0])
    total = "select count(*), sum(seq), sum(length(pad)) from ledger.entries"
    if engine.query(total) != last.query(total):
        raise AssertionError("the sums differ")
    judge(last, load.acknowledged)
    print(f"    {rounds} readers beside {load.total()} commits; from nothing to the first query {spread(times)}")


def backtrack(world, rounds, seed):
    """A dropped table is there again on a branch; forward again; a clone with a writer of its own."""
    volume, engine = world.writer()
    engine.start()
    prepare(engine)
    load = Load(engine, {})
    wait_for("commits", 30, lambda: load.total() > 200)
    load.stop()
    before = judge(engine, load.acknowledged)
    volume.ask(command="flush")
    time.sleep(0.01)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    time.sleep(0.01)
    connection = engine.connect()
    with connection.cursor() as cursor:
        cursor.execute("drop table ledger.entries")
    connection.close()
    engine.stop()
    begun = time.monotonic()
    volume.ask(command="branch", id=2, parent=1, at=moment)
    branched = time.monotonic()
    world.writer(2, volume)
    attached = time.monotonic()
    engine.start()
    first_commit(engine)
    back = time.monotonic()
    if judge(engine, load.acknowledged) != before:
        raise AssertionError("it is not as it was")
    engine.check()
    engine.stop()
    world.writer(1, volume)
    engine.start()
    first_commit(engine)
    left = "select count(*) from information_schema.tables where table_schema = 'ledger' and table_name = 'entries'"
    if engine.query(left)[0][0] != 0:
        raise AssertionError("forward again, and the table is there")
    cloning = time.monotonic()
    world.volumes[0].ask(command="branch", id=3, parent=2)
    _, clone = world.writer(3)
    clone.start()
    first_commit(clone)
    cloned = time.monotonic()
    judge(clone, load.acknowledged)
    first_commit(engine)
    print(f"    backtrack {back - begun:.2f} s (branch {branched - begun:.2f}, attach {attached - branched:.2f}, engine "
          f"{back - attached:.2f}); clone beside its source {cloned - cloning:.2f} s")


def quorum(world, rounds, seed):
    """With three nodes away commits wait without an error, and go on when one comes back."""
    volume, engine = world.writer()
    engine.start()
    prepare(engine)
    load = Load(engine, {})
    wait_for("commits", 30, lambda: load.total() > 50)
    for node in (0, 2, 4):
        world.storage.nodes[node].signal(signal.SIGSTOP)
    wait_for("it stalls", 30, lambda: (volume.ask(command="status")["stalled_ms"] or 0) > 3000)
    stood = load.total()
    if load.errors:
        raise AssertionError(f"commits failed: {load.errors}")
    world.storage.nodes[0].signal(signal.SIGCONT)
    wait_for("commits again", 30, lambda: load.total() > stood + 50)
    for node in (2, 4):
        world.storage.nodes[node].signal(signal.SIGCONT)
    load.stop()
    if load.errors:
        raise AssertionError(f"commits failed: {load.errors}")
    judge(engine, load.acknowledged)
    engine.check()
    print("    commits waited 3 s without an error and went on")


def recovery(world, rounds, seed):
    """The engine is killed under load: on a mount that lives on, and with its mount. Where the time goes until it accepts."""
    volume, engine = world.writer()
    engine.start()
    prepare(engine)
    there = {}
    for _ in range(rounds):
        for whole in (False, True):
            load = Load(engine, there)
            started = load.total()
            time.sleep(LOAD_TIME)
            engine.kill()
            if whole:
                volume.kill()
            load.stop()
            begun = time.monotonic()
            if whole:
                volume, engine = world.writer()
            else:
                engine.forget_process()
                volume.ask(command="flush", idle=True)
                if volume.ask(command="status")["dirty_bytes"] != 0:
                    raise AssertionError("something is dirty after the flush")
            attached = time.monotonic()
            engine.start()
            engine.ready().close()
            accepts = time.monotonic()
            first_commit(engine)
            end = time.monotonic()
            print(f"    {'takeover' if whole else 'restart'} after {load.total() - started} commits: volume "
                  f"{attached - begun:.2f} s, engine {accepts - attached:.2f} s, first commit {end - accepts:.2f} s"
                  f"{engine.recovery()}", flush=True)
            there = judge(engine, load.acknowledged)


TESTS = {"recovery": recovery, "crash": crash, "fencing": fencing, "reader": reader, "backtrack": backtrack, "quorum": quorum}
ONLY_POSTGRESQL = {"reader"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tests", nargs="*", default=list(TESTS))
    parser.add_argument("--engine", choices=list(ENGINES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    passed = failed = 0
    for name in arguments.tests or TESTS:
        for kind in ENGINES.values():
            if (arguments.engine and kind.name != arguments.engine) or (name in ONLY_POSTGRESQL and kind != PostgreSQL):
                continue
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
                root = pathlib.Path(directory)
                root.chmod(0o755)
                begun = time.monotonic()
                world = World(root, kind)
                try:
                    TESTS[name](world, arguments.rounds, arguments.seed)
                    passed += 1
                    print(f"ok      {name} {kind.name} ({time.monotonic() - begun:.0f} s)", flush=True)
                except Exception:
                    failed += 1
                    traceback.print_exc(file=sys.stdout)
                    print(f"FAILED  {name} {kind.name}", flush=True)
                    subprocess.run(["bash", "-c", f"tail -n 15 {root}/*/*.log"], check=False)
                finally:
                    world.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
