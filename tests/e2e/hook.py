"""A webhook's receiver for tests: hook.py PORT take|refuse|hang FOLDER SECRET-FILE

Writes each request that it takes to FOLDER/1.json, 2.json ...: {"signed": bool or null, "body": {...}}. `refuse` answers 503 to the
first; `hang` never answers.
"""

import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import time

port, mode, folder, secret = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
key = pathlib.Path(secret).read_text(encoding="utf-8").strip().encode()
seen = {"all": 0, "taken": 0}


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        seen["all"] += 1
        if mode == "hang":
            time.sleep(3600)
        if mode == "refuse" and seen["all"] == 1:
            self.send_error(503)
            return
        given = self.headers.get("X-Sonde-Signature")
        right = "sha256=" + hmac.new(key, self.headers["X-Sonde-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
        seen["taken"] += 1
        part = folder / "part"
        part.write_text(json.dumps({"signed": None if given is None else hmac.compare_digest(given, right),
                                    "body": json.loads(body)}), encoding="utf-8")
        part.rename(folder / f"{seen['taken']}.json")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Hook).serve_forever()
