"""A scripted OpenAI-compatible server: answers with the program it was shown, other compiler flags."""
import http.server
import itertools
import json
import re
import threading

FLAGS = ["-O3", "-O1", "-O3 -funroll-loops", "-O2 -funroll-loops", "-O3 -fno-math-errno",
         "-O2 -fno-math-errno", "-O3 -fno-trapping-math", "-O2 -fno-trapping-math", "-Os",
         "-O3 -ffp-contract=off", "-O1 -funroll-loops", "-O1 -fno-math-errno"]
PROGRAM = re.compile(r"^# (?:Current program|Base program|Program).*?\n(`{3,})cpp\n(.*?)^\1$", re.M | re.S)


class ScriptedServer:
    """Used in a with statement. `script(prompt, number)` may return a text or a (status, body);
    `requests[number]` is the whole request. Port 0: any that is free.

    After `embeddings` answers of that kind the server has no more of them.
    """

    def __init__(self, script=None, embeddings: int = 0, port: int = 0) -> None:
        self.requests: list[dict] = []
        self.keys: list[str] = []
        self.count = itertools.count()
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with owner.lock:
                    owner.requests.append(body)
                    owner.keys.append(self.headers.get("Authorization", ""))
                    number = next(owner.count)
                if self.path == "/v1/embeddings":
                    if number >= embeddings:
                        self.reply(500, "text/plain", f"no more, {owner.keys[-1]}")
                        return
                    text = body["input"][0].encode()
                    vector = [1 + text.count(byte) for byte in range(32, 127)]
                    self.reply(200, "application/json",
                               json.dumps({"data": [{"index": 0, "embedding": vector}]}))
                    return
                answer = (script or owner.improve)(body["messages"][-1]["content"], number)
                if isinstance(answer, tuple):
                    self.reply(answer[0], "application/json", answer[1])
                    return
                events = [{"choices": [{"delta": {"content": answer}}]},
                          {"choices": [{"delta": {}, "finish_reason": "stop"}]},
                          {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}]
                stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
                self.reply(200, "text/event-stream", stream + "data: [DONE]\n\n")

            def reply(self, status: int, kind: str, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                try:
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # the client went away, as a stopped one does

            def log_message(self, *_arguments) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    @staticmethod
    def improve(prompt: str, number: int) -> str:
        program = PROGRAM.search(prompt)
        if program is None:
            return '{"experiments": [{"description": "other flags", "innovation": 1}]}'
        flags = FLAGS[number % len(FLAGS)]
        text = re.sub(r"^// ksmith: flags .*$", f"// ksmith: flags {flags}", program.group(2), flags=re.M)
        return f"Rationale: {flags} may suit it.\n```cpp\n{text}```\n"

    def __enter__(self) -> "ScriptedServer":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_what) -> None:
        self.server.shutdown()
        self.server.server_close()
