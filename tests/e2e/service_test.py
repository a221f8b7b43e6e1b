"""The evaluation service as a process: served, killed, restarted, refused."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from harness import EndToEnd, main

class Service(EndToEnd):
    def serve(self, *arguments: str, **options) -> subprocess.Popen:
        """Starts a service and waits until it listens; self.port and self.url tell where."""
        process = self.start("serve", "--port", "0", "--cache", "cache", *arguments, **options)
        line = process.stdout.readline()
        found = re.search(r"http://.*:(\d+)", line)
        if found is None:
            out, err = process.communicate(timeout=30)
            self.fail(f"no service: {line}{out}{err}")
        self.addCleanup(self.end, process)
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return process

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        if process.poll() is None:
            process.kill()
        process.communicate()

    def call(self, method: str, target: str, body=None, token: str = "") -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        kind = answer.getheader("Content-Type", "")
        return answer.status, json.loads(text) if kind.startswith("application/json") else text

    def seed(self) -> str:
        self.small_task()
        return next(path for path in (self.dir / "small").iterdir()
                    if path.suffix == ".cc" and "seed" in path.name).read_text()

    def submission(self, source: str, **more) -> dict:
        """An evaluation of a library task, quick to judge."""
        config = {"check_trials": 1, "time_budget_s": 0.05, "max_pairs": 8}
        return {"task": "argmax", "source": source, "stages": ["compile", "check"],
                "config": config, **more}

    def library_seed(self) -> str:
        root = pathlib.Path(__file__).resolve().parents[2] / "tasks" / "argmax"
        return next(path for path in root.iterdir() if "seed" in path.name).read_text()

    def batch(self, count: int, **more) -> list[dict]:
        source = self.library_seed()
        return [self.submission(f"{source}\nstatic const int variant_{i} = {i};\n"
                                f"extern \"C\" int get_{i}() {{ return variant_{i}; }}\n", **more)
                for i in range(count)]

    def wait_final(self, identity: str) -> dict:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            status, answer = self.call("GET", f"/v1/evaluations/{identity}?wait=20")
            self.assertEqual(status, 200, answer)
            if answer["state"] not in ("queued", "running"):
                return answer
        self.fail(f"{identity} did not end")

    def test_evaluate_and_evolve_through_a_service(self) -> None:
        source = self.seed()
        (self.dir / "kernel.cc").write_text(source)
        process = self.serve()
        done = self.json("evaluate", "small", "--kernel", "kernel.cc", "--config", "quick.toml",
                         "--evaluator", self.url, "--json")
        self.assertEqual(done["outcome"]["kind"], "measured")
        self.assertTrue(done["timed"])
        self.evolve("small", "--steps", "3", "--evaluator", self.url)
        self.assertGreaterEqual(self.json("show", "run", "--json")["evaluations"], 3)
        self.ksmith("replay", "run")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertIn("stopped", out)

    def test_a_service_killed_in_the_middle_of_a_batch_finishes_it_once(self) -> None:
        process = self.serve("--jobs", "1")
        status, answer = self.call("POST", "/v1/evaluations", {"evaluations": self.batch(12)})
        self.assertEqual(status, 202, answer)
        ids = [one["id"] for one in answer["evaluations"]]
        self.assertEqual(len(set(ids)), 12)
        self.wait_final(ids[1])
        process.kill()
        process.communicate()
        self.serve("--jobs", "2")
        finished = [self.wait_final(identity) for identity in ids]
        self.assertEqual({one["state"] for one in finished}, {"finished"})
        self.assertEqual({one["evaluation"]["outcome"]["kind"] for one in finished}, {"measured"})
        metrics = self.call("GET", "/metrics")[1]
        ended = re.search(r'ksmith_evaluations_total\{state="finished"\} (\d+)', metrics)
        self.assertLess(int(ended[1]), 12, "finished ones were evaluated again")

    def test_terminate_finishes_what_runs_and_keeps_the_rest(self) -> None:
        process = self.serve("--jobs", "1")
        answer = self.call("POST", "/v1/evaluations", {"evaluations": self.batch(8)})[1]
        ids = [one["id"] for one in answer["evaluations"]]
        self.wait_final(ids[0])
        process.terminate()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        waiting = int(re.search(r"stopped; (\d+) evaluations wait", out)[1])
        self.assertGreater(waiting, 0)
        process = self.serve()
        self.assertIn(f"going on with {waiting}", process.stdout.readline())
        for identity in ids:
            self.assertEqual(self.wait_final(identity)["state"], "finished")

    def test_a_killed_runner_is_replaced_and_its_candidate_judged(self) -> None:
        process = self.serve("--jobs", "1")
        source = self.library_seed()
        config = {"check_trials": 400, "time_budget_s": 0.05}
        answer = self.call("POST", "/v1/evaluations",
                           {**self.submission(source), "config": config})[1]
        # The runner is a child that outlives a compiler; it is shot while it is in use.
        self.wait_for("a runner", lambda: self.runners(process.pid))
        for pid in self.runners(process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        done = self.wait_final(answer["id"])
        self.assertEqual(done["state"], "finished", done)
        self.assertEqual(done["evaluation"]["outcome"]["kind"], "measured", done)

    @staticmethod
    def runners(parent: int) -> list[int]:
        found = []
        for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            for pid in path.read_text().split():
                try:
                    command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                if b"runner" in command:
                    found.append(int(pid))
        return found

    def test_a_token_guards_a_service_for_others(self) -> None:
        refused = self.ksmith("serve", "--port", "0", "--bind", "0.0.0.0", status=2)
        self.assertIn("--token-file", refused.stderr)
        (self.dir / "short").write_text("abc\n")
        refused = self.ksmith("serve", "--port", "0", "--token-file", "short", status=2)
        self.assertIn("16", refused.stderr)
        (self.dir / "token").write_text("0123456789abcdef0123\n")
        (self.dir / "other").write_text("0123456789abcdef0124\n")
        self.serve("--bind", "0.0.0.0", "--token-file", "token")
        self.assertEqual(self.call("GET", "/health")[0], 200)
        self.assertEqual(self.call("GET", "/devices")[0], 401)
        self.assertEqual(self.call("GET", "/devices", token="0123456789abcdef0123")[0], 200)
        (self.dir / "kernel.cc").write_text(self.seed())
        evaluate = ("evaluate", "small", "--kernel", "kernel.cc", "--stages", "compile",
                    "--evaluator", self.url)
        self.assertIn("token", self.ksmith(*evaluate, status=2).stderr)
        self.assertIn("token", self.ksmith(*evaluate, "--token-file", "other", status=2).stderr)
        self.ksmith(*evaluate, "--token-file", "token")

    def test_a_port_in_use_and_a_folder_in_use_are_messages(self) -> None:
        self.serve()
        taken = self.ksmith("serve", "--port", str(self.port), "--cache", "second", status=1)
        self.assertIn("in use", taken.stderr)
        shared = self.ksmith("serve", "--port", "0", "--cache", "cache", status=1)
        self.assertIn("--cache", shared.stderr)

    def test_a_cache_folder_that_cannot_be_written_is_a_message(self) -> None:
        (self.dir / "file").write_text("")
        refused = self.ksmith("serve", "--port", "0", "--cache", "file/cache", status=2)
        self.assertIn("file", refused.stderr)
        if os.geteuid() == 0:
            return
        locked = self.dir / "locked"
        locked.mkdir()
        locked.chmod(0o555)
        refused = self.ksmith("serve", "--port", "0", "--cache", "locked/cache", status=1)
        self.assertIn("locked", refused.stderr)

    def test_nobody_there_is_a_message(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (self.dir / "kernel.cc").write_text(self.seed())
        for command in (("evaluate", "small", "--kernel", "kernel.cc"), ("evolve", "small")):
            failed = self.ksmith(*command, "--evaluator", f"http://127.0.0.1:{port}", status=1)
            self.assertIn("ksmith serve", failed.stderr)
        wrong = self.ksmith("evaluate", "small", "--kernel", "kernel.cc", "--evaluator", "gpu-box",
                            status=2)
        self.assertIn("http://host:port", wrong.stderr)

    def test_hostile_clients_do_not_disturb_others(self) -> None:
        process = self.serve()
        endless = socket.create_connection(("127.0.0.1", self.port))
        drip = socket.create_connection(("127.0.0.1", self.port))
        drip.sendall(b"GET / HTTP/1.1\r\nX: a")
        cut = False
        endless.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(64):
            try:
                endless.sendall(b"a" * (1 << 20))
            except OSError:
                cut = True
                break
        self.assertTrue(cut, "a header of 64 MiB was taken")
        for junk in (b"\x00" * 100, b"POST /v1/evaluations HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n"):
            with socket.create_connection(("127.0.0.1", self.port)) as one:
                one.settimeout(20)
                try:
                    one.sendall(junk)
                    answer = one.recv(100)
                except ConnectionError:
                    answer = b""
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer)
        self.assertEqual(self.call("GET", "/health")[0], 200)
        resident = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(
            f"/proc/{process.pid}/status").read_text())[1])
        self.assertLess(resident, 200 << 10)
        endless.close()
        drip.close()

    def test_https_with_an_own_authority(self) -> None:
        """The client's TLS: through a proxy that speaks it, with a certificate of our own."""
        if subprocess.run(["openssl", "version"], capture_output=True, check=False).returncode:
            self.skipTest("openssl is not installed")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", "key.pem", "-out", "cert.pem"], cwd=self.dir, check=True,
                       capture_output=True)
        self.serve()
        proxy = subprocess.Popen(["/usr/bin/python3", "-c", PROXY, str(self.port)], cwd=self.dir,
                                 stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end, proxy)
        url = f"https://localhost:{int(proxy.stdout.readline())}"
        (self.dir / "kernel.cc").write_text(self.seed())
        command = ("evaluate", "small", "--kernel", "kernel.cc", "--stages", "compile",
                   "--evaluator", url)
        self.assertIn("TLS", self.ksmith(*command, status=1).stderr)
        self.ksmith(*command, "--ca-file", "cert.pem")


# Takes TLS off and hands the bytes on.
PROXY = """
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for one in (a, b):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
def serve(plain):
    try:
        outer = context.wrap_socket(plain, server_side=True)
    except OSError:
        return
    inner = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=pump, args=(outer, inner), daemon=True).start()
    pump(inner, outer)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


if __name__ == "__main__":
    main()
