"""Today's ClickHouse behind HTTP, as far as the collector's store needs it.

usage: chdb_server.py DIRECTORY

Prints the port it listens on. Statements come as they do to a server: in the body, or in the query
parameter with rows to insert in the body. One at a time.
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

directory = sys.argv[1]
# The engine takes a config.xml of the current directory for its own.
os.makedirs(directory + "/empty", exist_ok=True)
os.chdir(directory + "/empty")

from chdb.session import Session  # noqa: E402

session = Session(directory + "/data")
lock = threading.Lock()
told = {}
NOT_SETTINGS = {"query", "query_id", "database", "default_format", "wait_end_of_query"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        parameters = {
            name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()
        }
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        statement = parameters["query"] + "\n" + body if "query" in parameters else body
        try:
            status, answer = 200, run(statement, parameters)
        except Exception as error:  # What the engine says is the answer.
            status, answer = 500, str(error).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def run(statement, parameters):
    with lock:
        for name, value in parameters.items():
            if name not in NOT_SETTINGS and told.get(name) != value:
                session.query(f"SET {name} = '{value}'")
                told[name] = value
        if told.get("database") != parameters.get("database", "default"):
            told["database"] = parameters.get("database", "default")
            session.query(f"USE `{told['database']}`")
        answer = session.query(statement, parameters.get("default_format", "TabSeparated"))
        return answer.bytes() if answer is not None else b""


# Many threads of a collector come at once, and wait for the engine in turn.
ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
