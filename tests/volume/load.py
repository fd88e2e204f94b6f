"""Clients that know which commits were acknowledged, and a judge of what became of them."""

import random
import threading

ACCOUNTS = 500
WORKERS = 8


def prepare(engine):
    connection = engine.ready()
    with connection.cursor() as cursor:
        database = "create schema ledger" if engine.name == "postgresql" else "create database ledger"
        cursor.execute(database)
        cursor.execute("create table ledger.entries (worker int, seq int, pad varchar(300), primary key (worker, seq))")
        cursor.execute("create table ledger.echoes (worker int, seq int, pad varchar(300), primary key (worker, seq))")
        cursor.execute("create table ledger.accounts (id int primary key, balance bigint, pad varchar(300))")
        for account in range(ACCOUNTS):
            cursor.execute("insert into ledger.accounts values (%s, 1000, '')", (account,))
        if engine.name == "mariadb":
            cursor.execute("create table ledger.notes (id int primary key, pad varchar(300)) engine=aria transactional=1")
    connection.close()


class Load:
    """Each transaction writes two rows and moves money between two accounts."""

    def __init__(self, engine, start):
        self.engine = engine
        self.acknowledged = dict(start)
        self.stopping = threading.Event()
        self.errors = []
        self.threads = [threading.Thread(target=self.work, args=(worker,), daemon=True) for worker in range(WORKERS)]
        if engine.name == "mariadb":
            self.threads.append(threading.Thread(target=self.work_on_system_tables, daemon=True))
        for thread in self.threads:
            thread.start()

    def work(self, worker):
        chance = random.Random(worker)
        seq = self.acknowledged.get(worker, 0)
        try:
            connection = self.engine.connect()
            connection.autocommit = False if self.engine.name == "postgresql" else connection.autocommit(False)
            while not self.stopping.is_set():
                seq += 1
                low, high = sorted(chance.sample(range(ACCOUNTS), 2))
                pad = "x" * chance.randrange(300)
                with connection.cursor() as cursor:
                    cursor.execute("insert into ledger.entries values (%s, %s, %s)", (worker, seq, pad))
                    cursor.execute("update ledger.accounts set balance = balance - 1, pad = %s where id = %s", (pad, low))
                    cursor.execute("update ledger.accounts set balance = balance + 1 where id = %s", (high,))
                    cursor.execute("insert into ledger.echoes values (%s, %s, %s)", (worker, seq, pad))
                connection.commit()
                self.acknowledged[worker] = seq
        except Exception as error:  # the engine was killed: that is what the test is about
            self.errors.append(error)

    def work_on_system_tables(self):
        """MariaDB keeps its users in Aria tables, which have a log and a recovery of their own."""
        chance = random.Random(0)
        try:
            with self.engine.connect().cursor() as cursor:
                while not self.stopping.is_set():
                    cursor.execute(f"create or replace user client{chance.randrange(50)} identified by 'x'")
                    cursor.execute("replace into ledger.notes values (%s, %s)", (chance.randrange(1000), "y" * 300))
        except Exception as error:
            self.errors.append(error)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=60)

    def total(self):
        return sum(self.acknowledged.values())


def judge(engine, acknowledged):
    """Every acknowledged transaction is there, and each is there whole. What is there, by worker."""
    entries = engine.query("select worker, count(*), max(seq) from ledger.entries group by worker")
    echoes = engine.query("select worker, count(*), max(seq) from ledger.echoes group by worker")
    if sorted(entries) != sorted(echoes):
        raise AssertionError(f"half a transaction: {entries} {echoes}")
    there = {worker: greatest for worker, _, greatest in entries}
    for worker, count, greatest in entries:
        if count != greatest:
            raise AssertionError(f"worker {worker}: {count} rows up to {greatest}")
    lost = {w: (seq, there.get(w, 0)) for w, seq in acknowledged.items() if there.get(w, 0) < seq}
    if lost:
        raise AssertionError(f"acknowledged and not there: {lost}")
    balance = int(engine.query("select sum(balance) from ledger.accounts")[0][0])
    if balance != ACCOUNTS * 1000:
        raise AssertionError(f"the accounts' sum is {balance}")
    return there
