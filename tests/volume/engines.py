"""Stock engines on a mount. Both speak through the same few functions."""

import pathlib
import pwd
import re
import signal
import subprocess

import psycopg2
import pymysql

from cluster import Process, next_port, wait_for


class Engine:
    errors = ()

    def __init__(self, volume_or_directory):
        self.directory = pathlib.Path(getattr(volume_or_directory, "mount", volume_or_directory))
        self.run = pathlib.Path(getattr(volume_or_directory, "root", volume_or_directory)) / "run"
        self.run.mkdir(exist_ok=True)
        self.run.chmod(0o777)
        self.log = self.run.parent / f"{self.name}.log"
        self.port = next_port()
        self.process = None

    @classmethod
    def owner(cls):
        return pwd.getpwnam(cls.user).pw_uid

    def command(self, arguments, **more):
        result = subprocess.run([str(a) for a in arguments], user=self.user, group=self.user, extra_groups=[],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False, **more)
        if result.returncode != 0:
            raise AssertionError(f"{arguments[0]}: {result.stdout[-3000:]}")
        return result.stdout

    def ready(self, seconds=120):
        def try_once():
            if not self.process.alive():
                raise AssertionError(f"{self.name} ended: {self.log.read_text(errors='replace')[-3000:]}")
            try:
                return self.connect()
            except self.errors:
                return None
        return wait_for(f"{self.name} accepts", seconds, try_once)

    def query(self, text):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall()
        finally:
            connection.close()

    def forget_process(self):
        """A process id from another node says nothing here, where another process may have it."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def recovery(self):
        """What the log tells of the last start, as text."""
        return ""

    def kill(self):
        self.process.kill()

    def stop(self):
        self.process.process.send_signal(self.stop_signal)
        self.process.process.wait()


class PostgreSQL(Engine):
    name = "postgresql"
    user = "postgres"
    errors = (psycopg2.Error,)
    stop_signal = signal.SIGINT
    settings = {"full_page_writes": "off", "shared_buffers": "64MB", "max_wal_size": "128MB", "min_wal_size": "80MB",
                "checkpoint_timeout": "30s", "wal_level": "replica", "max_connections": "60", "fsync": "on",
                "synchronous_commit": "on", "recovery_init_sync_method": "syncfs", "recovery_prefetch": "try",
                "listen_addresses": "", "log_checkpoints": "on"}

    @property
    def data(self):
        return self.directory / "pgdata"

    def initialize(self):
        self.command(["initdb", "--data-checksums", "--no-locale", "-E", "UTF8", "-U", "postgres", "-A", "trust", "-D",
                      self.data])

    def start(self, **settings):
        options = [f"-c{key}={value}" for key, value in {**self.settings, **settings}.items()]
        self.process = Process(["postgres", "-D", self.data, "-p", self.port, "-k", self.run, *options], self.log,
                               self.user)

    def connect(self):
        connection = psycopg2.connect(host=str(self.run), port=self.port, user="postgres", dbname="postgres")
        connection.autocommit = True
        return connection

    def check(self):
        self.command(["pg_amcheck", "-h", self.run, "-p", self.port, "-U", "postgres", "--all", "--install-missing",
                      "--heapallindexed"])

    def recovery(self):
        log = self.log.read_text(errors="replace")
        start = log[log.rindex("starting PostgreSQL"):]
        found = [re.findall(pattern, start) for pattern in (
            r"redo done .*elapsed: ([0-9.]+) s",
            r"checkpoint complete: wrote (\d+) buffers", r"write=([0-9.]+) s", r"sync=([0-9.]+) s", r"sync files=(\d+)")]
        return "".join(f", {name} {values[0]}" for name, values in zip(
            ("redo", "checkpoint: buffers", "write", "sync", "files"), found) if values)

    def check_stopped(self):
        self.command(["pg_checksums", "--check", "-D", self.data])


class MariaDB(Engine):
    name = "mariadb"
    user = "mysql"
    errors = (pymysql.Error,)
    stop_signal = signal.SIGTERM
    settings = {"innodb_doublewrite": "0", "innodb_flush_method": "fsync", "innodb_flush_log_at_trx_commit": "1",
                "innodb_buffer_pool_size": "64M", "innodb_log_file_size": "64M", "sync_binlog": "1",
                "aria_recover_options": "BACKUP,QUICK"}

    @property
    def data(self):
        return self.directory / "mysql"

    def initialize(self):
        self.command(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                      "--auth-root-authentication-method=normal", *self.options({})])

    def options(self, settings):
        return [f"--{key}={value}" for key, value in {**self.settings, **settings}.items()]

    def start(self, **settings):
        self.process = Process(["mariadbd", "--no-defaults", f"--datadir={self.data}", "--skip-networking",
                                f"--socket={self.run}/mysql.sock", f"--pid-file={self.run}/mysql.pid", "--tmpdir=/tmp",
                                "--log-bin=binlog", "--server-id=1", *self.options(settings)], self.log, self.user)

    def connect(self):
        return pymysql.connect(unix_socket=f"{self.run}/mysql.sock", user="root", database="mysql", autocommit=True)

    def check(self):
        for database, table in self.query(
                "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' and "
                "table_schema not in ('information_schema', 'performance_schema', 'sys')"):
            told = [row[3] for row in self.query(f"check table `{database}`.`{table}` extended")]
            if told[-1] not in ("OK", "The storage engine for the table doesn't support check"):
                raise AssertionError(f"{database}.{table}: {told}")

    def recovery(self):
        found = re.findall(r"InnoDB: To recover: (\d+) pages", self.log.read_text(errors="replace"))
        return f", pages to recover {found[-1]}" if found else ""

    def check_stopped(self):
        pass


ENGINES = {engine.name: engine for engine in (PostgreSQL, MariaDB)}
