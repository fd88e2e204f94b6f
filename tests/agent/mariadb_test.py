"""One writer and one reader with the real MariaDB."""

import json
import os
import signal
import subprocess

from instance import Cluster, Instance, main, wait_for

cluster = Cluster()
one = Instance(cluster, "mariadb", 1, cluster.shared, (7001, 7002, 7003), 7003, {"max_connections": "50"})
two = Instance(cluster, "mariadb", 2, cluster.shared, (7011, 7012, 7013), 7003)


def sql(instance, statement, user="app"):
    options = f"{cluster.directory}/client.cnf"
    password = cluster.passwords["superuser" if user == "root" else user].replace("\\", "\\\\")
    with open(options, "w") as file:
        file.write(f'[client]\npassword="{password}"\n')
    result = subprocess.run(
        ["mariadb", f"--defaults-file={options}", "--protocol=TCP", "--host=localhost", f"--port={instance.engine_port}",
         f"--user={user}", f"--ssl-ca={cluster.authority.ca}", "--ssl-verify-server-cert", "-BN", "-e", statement]
        + (["app"] if user == "app" else []), capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr)
    return result.stdout.strip()


def a_writer_initializes_an_empty_volume():
    one.order("writer", branch=1, epoch=1)
    engine = one.accepts_as("writer")
    assert engine["version"].startswith("11.8"), engine
    assert one.page("/readyz")[0] == 200
    sql(one, "CREATE TABLE entries (id int PRIMARY KEY)")
    sql(one, "INSERT INTO entries SELECT seq FROM seq_1_to_1000")
    for setting, value in [("innodb_doublewrite", "OFF"), ("sync_binlog", "1"), ("innodb_flush_log_at_trx_commit", "1"),
                           ("server_id", "1"), ("max_connections", "50"), ("gtid_strict_mode", "ON"),
                           ("innodb_log_file_mmap", "OFF"), ("require_secure_transport", "ON")]:
        assert sql(one, f"SHOW GLOBAL VARIABLES LIKE '{setting}'").split("\t")[1] == value, setting
    assert sql(one, "SHOW STATUS LIKE 'Ssl_cipher'").split("\t")[1] != ""
    assert sql(one, "SELECT CURRENT_USER()", "root") == "root@%"


def a_renewed_certificate_is_shown_without_a_restart():
    one.shows_a_renewed_certificate("mysql")
    assert sql(one, "SELECT count(*) FROM entries") == "1000"


def no_secret_is_shown():
    with open(one.log) as file:
        log = file.read()
    with open(f"/proc/{one.engine_process()}/cmdline") as file:
        arguments = file.read()
    for secret in cluster.passwords.values():
        assert secret not in log and json.dumps(secret)[1:-1] not in log and secret not in arguments


def a_killed_engine_comes_back():
    position = sql(one, "SELECT @@gtid_binlog_pos", "root")
    os.kill(one.engine_process(), signal.SIGKILL)
    wait_for("the restart", lambda: one.status()["engine"]["restarts"] == 1)
    one.accepts_as("writer")
    assert sql(one, "SELECT @@gtid_binlog_pos", "root") == position  # users who are as they shall be cost nothing
    assert sql(one, "SELECT count(*) FROM entries") == "1000"


def each_start_follows_a_flush():
    """Of a writer: what an engine that ended did not sync, the next one believes durable."""
    steps = one.steps()
    starts = [at for at, step in enumerate(steps) if step == "starting the engine as writer"]
    assert len(starts) >= 2 and all(steps[at - 1] == "flushing the volume" for at in starts), steps
    assert len(one.alive_at_flush) == len(starts) and not any(one.alive_at_flush), one.alive_at_flush
    assert all(c["idle"] for c in one.volume.commands if c["command"] == "flush")


def a_reader_that_is_killed_at_once_knows_where_it_was():
    """What it follows is in a file, its position in a table: the one must not outlive the other."""
    two.order("reader", branch=1)
    two.accepts_as("reader")
    position = two.status()["engine"]["position"]
    assert position and position == one.status()["engine"]["position"], position
    os.kill(two.engine_process(), signal.SIGKILL)
    wait_for("the restart", lambda: two.status()["engine"]["restarts"] == 1)
    two.accepts_as("reader")
    assert two.status()["engine"]["position"] == position, two.status()
    assert sql(two, "SELECT @@gtid_slave_pos", "root") == position
    wait_for("it to follow", lambda: two.status()["engine"]["replicating"])
    assert two.status()["engine"]["rebases"] == 0, two.status()


def a_reader_follows_from_an_image():
    sql(one, "INSERT INTO entries SELECT seq FROM seq_1001_to_2000")
    wait_for("the rows", lambda: sql(two, "SELECT count(*) FROM entries") == "2000")
    wait_for("no lag", lambda: two.status()["engine"]["lag_ms"] == 0 and two.status()["engine"]["replicating"])
    wait_for("the same position", lambda: two.status()["engine"]["position"] == one.status()["engine"]["position"])
    try:
        sql(two, "INSERT INTO entries VALUES (0)")
        raise AssertionError("a reader took a write")
    except RuntimeError as error:
        assert "read-only" in str(error), error


def a_killed_reader_goes_on():
    sql(one, "INSERT INTO entries SELECT seq FROM seq_2001_to_2500")
    wait_for("the rows", lambda: sql(two, "SELECT count(*) FROM entries") == "2500")
    position = sql(two, "SELECT @@gtid_slave_pos", "root")
    os.kill(two.engine_process(), signal.SIGKILL)
    wait_for("the restart", lambda: two.status()["engine"]["restarts"] == 2)
    two.accepts_as("reader")
    assert two.status()["engine"]["position"] == position == one.status()["engine"]["position"], (position, two.status())
    assert sql(two, "SELECT count(*) FROM entries") == "2500"
    sql(one, "INSERT INTO entries SELECT seq FROM seq_2501_to_3000")
    wait_for("the rows", lambda: sql(two, "SELECT count(*) FROM entries") == "3000")
    assert two.status()["engine"]["rebases"] == 0, two.status()


def a_reader_that_is_left_behind_takes_a_newer_image():
    sql(two, "STOP SLAVE", "root")
    wait_for("it to stop", lambda: not two.status()["engine"]["replicating"])
    images = len(two.volume.commands)
    sql(one, "INSERT INTO entries SELECT seq FROM seq_3001_to_3100")
    sql(one, "FLUSH BINARY LOGS", "root")
    def purged():  # not while the connection of the reader that stopped is there
        sql(one, f"PURGE BINARY LOGS TO '{sql(one, 'SHOW MASTER STATUS', 'root').split()[0]}'", "root")
        return len(sql(one, "SHOW BINARY LOGS", "root").splitlines()) == 1
    wait_for("the purge", purged)
    sql(two, "START SLAVE", "root")
    wait_for("a newer image", lambda: (lambda e: e["rebases"] == 1 and e["replicating"])(two.status()["engine"]))
    assert [c["command"] for c in two.volume.commands[images:]] == ["detach", "attach"], two.volume.commands
    wait_for("the rows", lambda: sql(two, "SELECT count(*) FROM entries") == "3100")


def a_demoted_writer_leaves_all_on_the_volume():
    code, body = one.demote()
    assert code == 200, body
    assert one.volume.state == "detached" and one.engine_process() is None


def a_reader_becomes_the_writer():
    two.order("writer", branch=1, epoch=2)
    two.accepts_as("writer")
    assert sql(two, "SELECT count(*) FROM entries") == "3100"
    sql(two, "INSERT INTO entries VALUES (0)")
    assert sql(two, "SHOW GLOBAL VARIABLES LIKE 'server_id'").split("\t")[1] == "2"


def a_fenced_writer_is_killed():
    two.volume.fence(3)
    wait_for("the kill", lambda: two.status()["engine"]["state"] == "failed")
    assert two.engine_process() is None
    two.order("writer", branch=1, epoch=4)
    two.accepts_as("writer")
    assert sql(two, "SELECT count(*) FROM entries") == "3101"


def an_engine_ends_with_its_volume():
    two.loses_its_volume()
    two.order("writer", branch=1, epoch=5)
    two.accepts_as("writer")
    assert sql(two, "SELECT count(*) FROM entries") == "3101"


def new_passwords_count_from_the_next_start():
    cluster.passwords["app"] = "another"
    with open(f"{cluster.secrets}/app-password", "w") as file:
        file.write("another")
    os.kill(two.engine_process(), signal.SIGKILL)
    wait_for("the new password", lambda: sql(two, "SELECT count(*) FROM entries") == "3101")


def sigterm_stops_and_detaches():
    assert two.stop() == 0
    assert two.volume.state == "detached"
    assert one.stop() == 0


main([a_writer_initializes_an_empty_volume, a_renewed_certificate_is_shown_without_a_restart, no_secret_is_shown,
      a_killed_engine_comes_back, each_start_follows_a_flush, a_reader_that_is_killed_at_once_knows_where_it_was,
      a_reader_follows_from_an_image, a_killed_reader_goes_on,
      a_reader_that_is_left_behind_takes_a_newer_image, a_demoted_writer_leaves_all_on_the_volume, a_reader_becomes_the_writer,
      a_fenced_writer_is_killed, an_engine_ends_with_its_volume, new_passwords_count_from_the_next_start,
      sigterm_stops_and_detaches], [one, two])
