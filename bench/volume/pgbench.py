"""pgbench on a local disk, with synchronous replication to two standbys, and on a volume; interleaved."""

import json
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, "/src/tests/volume")
from cluster import Storage, Volume  # noqa: E402
from engines import PostgreSQL  # noqa: E402

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
COMMON = {"shared_buffers": "256MB", "max_wal_size": "1GB", "max_connections": "100"}


def local(root, name, **settings):
    directory = root / name
    directory.mkdir()
    directory.chmod(0o777)
    engine = PostgreSQL(directory)
    engine.initialize()
    engine.start(**{**COMMON, "full_page_writes": "on", **settings})
    engine.ready().close()
    return engine


def standby(root, primary, name):
    directory = root / name
    directory.mkdir()
    directory.chmod(0o777)
    engine = PostgreSQL(directory)
    engine.command(["pg_basebackup", "-h", primary.run, "-p", primary.port, "-U", "postgres", "-D", engine.data, "-c",
                    "fast"])
    (engine.data / "standby.signal").touch()
    engine.command(["chmod", "0700", engine.data])
    engine.start(**{**COMMON, "primary_conninfo":
                    f"host={primary.run} port={primary.port} user=postgres application_name={name}"})
    engine.ready().close()
    return engine


def pgbench(engine, arguments):
    told = engine.command(["pgbench", "-h", engine.run, "-p", engine.port, "-U", "postgres", *arguments, "postgres"])
    return told


def rate(engine, script, clients):
    told = pgbench(engine, ["-n", "-M", "prepared", "-b", script, "-c", clients, "-j", "1", "-T", SECONDS])
    return next(float(line.split()[2]) for line in told.splitlines() if line.startswith("tps = "))


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text:
    root = pathlib.Path(text)
    root.chmod(0o755)
    storage = Storage(root)
    volume = Volume(storage, PostgreSQL.owner())
    volume.attach_writer(1, 1)
    sextant = PostgreSQL(volume)
    sextant.initialize()
    sextant.start(**COMMON)
    sextant.ready().close()
    engines = {"local": local(root, "local"), "sextant": sextant,
               "synchronous": local(root, "synchronous", synchronous_standby_names="ANY 2 (a, b)")}
    standbys = [standby(root, engines["synchronous"], name) for name in ("a", "b")]
    for engine in engines.values():
        pgbench(engine, ["-i", "-q", "-s", "10"])
    rates = {}
    for _ in range(ROUNDS):
        for script in ("simple-update", "tpcb-like"):
            for clients in (1, 16):
                for name, engine in engines.items():
                    rates.setdefault((script, clients, name), []).append(rate(engine, script, clients))
    print(f"{'pgbench, transactions a second':34}{'local':>9}{'synchr.':>9}{'Sextant':>9}{'/local':>9}{'/synchr.':>9}")
    figures = []
    for script in ("simple-update", "tpcb-like"):
        for clients in (1, 16):
            median = {name: statistics.median(rates[script, clients, name]) for name in engines}
            print(f"{script + ', ' + str(clients) + ' clients':34}{median['local']:9.0f}{median['synchronous']:9.0f}"
                  f"{median['sextant']:9.0f}{median['sextant'] / median['local']:9.2f}"
                  f"{median['sextant'] / median['synchronous']:9.2f}")
            for name, value in median.items():
                figures.append({"name": f"volume.{script}.{clients}.{name}", "value": round(value), "unit": "1/s"})
    for figure in figures:
        print(json.dumps(figure))
    for engine in [*standbys, *engines.values()]:
        engine.kill()
    volume.kill()
    for node in storage.nodes:
        node.kill()
