"""One writer and one reader with the real PostgreSQL."""

import json
import os
import signal
import subprocess

from instance import Cluster, Instance, main, wait_for

cluster = Cluster()
one = Instance(cluster, "postgresql", 1, cluster.shared, (7001, 7002, 7003), 7003, {"work_mem": "5MB", "wal_keep_size": "0"})
two = Instance(cluster, "postgresql", 2, cluster.shared, (7011, 7012, 7013), 7003, {"max_connections": "50"})


def sql(instance, statement, user="app", database="app"):
    result = subprocess.run(
        ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement,
         f"host=localhost port={instance.engine_port} user={user} dbname={database} sslmode=verify-full "
         f"sslrootcert={cluster.authority.ca} connect_timeout=5"],
        env={**os.environ, "PGPASSWORD": cluster.passwords["superuser" if user == "postgres" else user]},
        capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    return result.stdout.strip()


def only_the_operator_may_call():
    assert one.call("GET", "/v1/status", client="stranger")[0] == 403
    try:
        one.call("GET", "/v1/status", client=None)
        raise AssertionError("a caller without a certificate was answered")
    except (OSError, EOFError):
        pass
    assert one.call("POST", "/v1/order", {"id": 1, "role": "king"})[0] == 400
    try:
        assert one.call("POST", "/v1/order", {"id": 1, "role": "none", "pad": "x" * 70000})[0] == 413
    except OSError:
        pass  # the connection was closed before all was sent, and the answer with it
    assert one.page("/readyz")[0] == 503 and one.page("/healthz")[0] == 200


def a_writer_initializes_an_empty_volume():
    one.order("writer", branch=1, epoch=1)
    engine = one.accepts_as("writer")
    assert engine["version"].startswith("17"), engine
    assert one.page("/readyz")[0] == 200
    assert "sextant_agent_engine_accepting 1" in one.page("/metrics")[1]
    sql(one, "CREATE TABLE entries (id int PRIMARY KEY)")
    sql(one, "INSERT INTO entries SELECT generate_series(1, 1000)")
    assert sql(one, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "t"
    assert sql(one, "SHOW work_mem") == "5MB"
    for setting, value in [("full_page_writes", "off"), ("fsync", "on"), ("data_checksums", "on"),
                           ("restart_after_crash", "off"), ("password_encryption", "scram-sha-256")]:
        assert sql(one, f"SHOW {setting}") == value, setting
    assert one.call("POST", "/v1/order", {"id": 1, "role": "none"})[0] == 409


def the_superuser_cannot_undo_what_the_volume_needs():
    sql(one, "ALTER SYSTEM SET full_page_writes = on", "postgres", "postgres")
    sql(one, "SELECT pg_reload_conf()", "postgres", "postgres")
    assert sql(one, "SHOW full_page_writes") == "off"


def a_renewed_certificate_is_shown_without_a_restart():
    one.shows_a_renewed_certificate("postgres")
    assert sql(one, "SELECT count(*) FROM entries") == "1000"


def no_secret_is_shown():
    with open(one.log) as file:
        log = file.read()
    process = one.engine_process()
    with open(f"/proc/{process}/cmdline") as file:
        arguments = file.read()
    for secret in cluster.passwords.values():
        assert secret not in log and json.dumps(secret)[1:-1] not in log and secret not in arguments


def a_killed_engine_comes_back():
    os.kill(one.engine_process(), signal.SIGKILL)
    wait_for("the restart", lambda: one.status()["engine"]["restarts"] == 1)
    one.accepts_as("writer")
    assert sql(one, "SELECT count(*) FROM entries") == "1000"


def a_killed_backend_does_not_corrupt():
    backend = int(sql(one, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'", "postgres"))
    os.kill(backend, signal.SIGKILL)
    wait_for("the second restart", lambda: one.status()["engine"]["restarts"] == 2)
    one.accepts_as("writer")
    assert sql(one, "SELECT count(*) FROM entries") == "1000"


def each_start_follows_a_flush():
    """Of a writer: what an engine that ended did not sync, the next one believes durable."""
    steps = one.steps()
    starts = [at for at, step in enumerate(steps) if step == "starting the engine as writer"]
    assert len(starts) >= 2 and all(steps[at - 1] == "flushing the volume" for at in starts), steps
    assert len(one.alive_at_flush) == len(starts) and not any(one.alive_at_flush), one.alive_at_flush
    assert all(c["idle"] for c in one.volume.commands if c["command"] == "flush")


def an_engine_that_starts_is_left_alone():
    """A connection too early would be a line in the log of the engine."""
    early = [line for line in one.lines_of_engine() if "the database system is starting up" in line or "not yet accepting" in line]
    assert not early, early


def an_agent_takes_up_its_order():
    one.process.kill()
    one.process.wait()
    one.start()
    one.accepts_as("writer")
    assert [c["command"] for c in one.volume.commands if c["command"] != "flush"] == ["attach"], one.volume.commands
    assert len(one.alive_at_flush) == 4 and not any(one.alive_at_flush), one.alive_at_flush


def a_reader_streams_from_an_image():
    two.order("reader", branch=1)
    two.accepts_as("reader")
    assert sql(two, "SHOW max_connections") == "200"  # as the writer has, or it would not start
    sql(one, "INSERT INTO entries SELECT generate_series(1001, 2000)")
    wait_for("the rows", lambda: sql(two, "SELECT count(*) FROM entries") == "2000")
    engine = wait_for("no lag", lambda: (lambda e: e if e["lag_bytes"] == 0 and e["replicating"] else None)(two.status()["engine"]))
    assert engine["lag_ms"] == 0, engine
    try:
        sql(two, "INSERT INTO entries VALUES (0)")
        raise AssertionError("a reader took a write")
    except RuntimeError as error:
        assert "read-only" in str(error), error


def a_reader_that_is_left_behind_takes_a_newer_image():
    sql(two, "ALTER SYSTEM SET primary_conninfo = 'host=localhost port=1'", "postgres", "postgres")
    sql(two, "SELECT pg_reload_conf()", "postgres", "postgres")
    wait_for("it to stop streaming", lambda: not two.status()["engine"]["replicating"])
    images = len(two.volume.commands)
    for _ in range(3):  # 16 MB of WAL each
        sql(one, "SELECT pg_switch_wal()", "postgres")
        sql(one, "INSERT INTO entries SELECT max(id) + 1 FROM entries")
        sql(one, "CHECKPOINT", "postgres")
    engine = wait_for("a newer image", lambda: (lambda e: e if e["rebases"] == 1 and e["replicating"] else None)(two.status()["engine"]))
    assert engine["restarts"] == 0, engine
    assert [c["command"] for c in two.volume.commands[images:]] == ["detach", "attach"], two.volume.commands
    wait_for("the rows", lambda: sql(two, "SELECT count(*) FROM entries") == "2003")
    assert "sextant_agent_reader_rebases_total 1" in two.page("/metrics")[1]


def a_demoted_writer_leaves_all_on_the_volume():
    code, body = one.demote()
    assert code == 200, body
    status = one.status()
    assert status["engine"]["state"] == "stopped" and status["order"]["role"] == "none", status
    assert one.volume.state == "detached" and one.engine_process() is None
    assert not os.path.exists(f"{cluster.shared}/pgdata/postmaster.pid")


def a_reader_becomes_the_writer():
    two.order("writer", branch=1, epoch=2)
    two.accepts_as("writer")
    assert sql(two, "SHOW max_connections") == "50"
    assert sql(two, "SELECT count(*) FROM entries") == "2003"
    sql(two, "INSERT INTO entries VALUES (0)")
    assert sql(two, "SELECT timeline_id FROM pg_control_checkpoint()", "postgres") == "1"


def a_fenced_writer_is_killed():
    two.volume.fence(3)
    wait_for("the kill", lambda: two.status()["engine"]["state"] == "failed")
    assert two.engine_process() is None
    assert two.status()["engine"]["error"] == "fenced by epoch 3", two.status()
    two.order("writer", branch=1, epoch=4)
    two.accepts_as("writer")
    assert sql(two, "SELECT count(*) FROM entries") == "2004"


def an_engine_ends_with_its_volume():
    two.loses_its_volume()
    two.order("writer", branch=1, epoch=5)
    two.accepts_as("writer")
    assert sql(two, "SELECT count(*) FROM entries") == "2004"


def new_passwords_count_from_the_next_start():
    cluster.passwords["app"] = "another"
    with open(f"{cluster.secrets}/app-password", "w") as file:
        file.write("another")
    os.kill(two.engine_process(), signal.SIGKILL)
    wait_for("the new password", lambda: sql(two, "SELECT count(*) FROM entries") == "2004")


def sigterm_stops_and_detaches():
    assert two.stop() == 0
    assert two.volume.state == "detached"
    assert one.stop() == 0


main([only_the_operator_may_call, a_writer_initializes_an_empty_volume, the_superuser_cannot_undo_what_the_volume_needs,
      a_renewed_certificate_is_shown_without_a_restart, no_secret_is_shown, a_killed_engine_comes_back, a_killed_backend_does_not_corrupt, each_start_follows_a_flush,
      an_engine_that_starts_is_left_alone, an_agent_takes_up_its_order, a_reader_streams_from_an_image,
      a_reader_that_is_left_behind_takes_a_newer_image, a_demoted_writer_leaves_all_on_the_volume, a_reader_becomes_the_writer,
      a_fenced_writer_is_killed, an_engine_ends_with_its_volume, new_passwords_count_from_the_next_start, sigterm_stops_and_detaches], [one, two])
