"""Times the breakdown in DuckDB.

usage: duckdb.py EVENTS.csv DATABASE SINCE ROUNDS

Loads the events into a table of the database file, opens it again, and prints one JSON document for
each way to ask: what, the median of the rounds and the first in milliseconds, and the groups.
"""

import json
import sys
import time

import duckdb

csv, database, since, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
TYPES = {"startedAt": "TIMESTAMP", "durationMs": "BIGINT", "failed": "BOOLEAN"}

connection = duckdb.connect(database)
connection.execute("SET enable_progress_bar = false; SET preserve_insertion_order = false")
connection.execute(
    f"CREATE TABLE events AS SELECT * FROM read_csv($csv, header = true, all_varchar = false, types = {TYPES})",
    {"csv": csv},
)
connection.close()

ASK = """SELECT driver, modelType, count(*), count(*) FILTER (failed), {percentiles}, sum(durationMs)
FROM events WHERE kind = 'method' AND startedAt >= $since::TIMESTAMP
GROUP BY driver, modelType ORDER BY sum(durationMs) DESC"""

for what, percentiles in (
    ("exact percentiles", "quantile_disc(durationMs, [0.5, 0.95, 0.99])"),
    ("t-digests", "approx_quantile(durationMs, [0.5, 0.95, 0.99])"),
):
    connection = duckdb.connect(database, read_only=True)
    took = []
    for _ in range(rounds):
        before = time.perf_counter()
        rows = connection.execute(ASK.format(percentiles=percentiles), {"since": since}).fetchall()
        took.append((time.perf_counter() - before) * 1000)
    connection.close()
    groups = [[row[0], row[1], row[2], row[3], int(row[5])] for row in rows]
    middle = sorted(took)[len(took) // 2]
    print(json.dumps({"what": what, "millis": middle, "first": took[0], "groups": groups}))
