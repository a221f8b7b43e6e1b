#!/usr/bin/env python3
"""Runs ksmith against a real OpenAI-compatible server: llama.cpp's, with a model of random weights.

    tools/setup.sh --models
    build/llm_venv/bin/python tools/llm_conformance.py build/release/bin/ksmith

The model is made on the spot (two layers, bytes as tokens) and writes nonsense: every answer must be
recorded as refused, and the runs must end well. Exits with 77 where the packages are not installed.
"""
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

try:
    import gguf
    import numpy
    import xllamacpp
except ImportError as missing:
    print(f"SKIP: {missing.name} is not installed (tools/setup.sh --models)")
    sys.exit(77)

KEY = "sk-conformance-0123456789"
WIDTH, LAYERS, HEADS, INNER = 64, 2, 4, 128
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
CONFIG = """[evaluation]
check_trials = 1
time_budget_s = 0.2
min_pairs = 6
max_pairs = 12
[llm]
max_prompt_tokens = 6000
max_answer_tokens = 64
retries = 1
ca_file = '{ca_file}'
"""


def make_model(path: pathlib.Path) -> None:
    """A tiny llama with random weights and a vocabulary of bytes."""
    tokens = [b"<unk>", b"<s>", b"</s>"] + [f"<0x{byte:02X}>".encode() for byte in range(256)]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(32768)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3] + [6] * 256)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    random = numpy.random.default_rng(1)

    def weights(name: str, *shape: int) -> None:
        writer.add_tensor(name, (random.standard_normal(shape) * 0.1).astype(numpy.float32))

    def ones(name: str) -> None:
        writer.add_tensor(name, numpy.ones(WIDTH, numpy.float32))

    weights("token_embd.weight", len(tokens), WIDTH)
    weights("output.weight", len(tokens), WIDTH)
    ones("output_norm.weight")
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        ones(block + "attn_norm.weight")
        ones(block + "ffn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"{block}{part}.weight", WIDTH, WIDTH)
        weights(block + "ffn_gate.weight", INNER, WIDTH)
        weights(block + "ffn_up.weight", INNER, WIDTH)
        weights(block + "ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def serve(model: pathlib.Path) -> "xllamacpp.Server":
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = 4 * 32768
    params.n_parallel = 4
    params.port = 0
    params.warmup = False
    params.n_gpu_layers = 0
    params.verbosity = -1
    params.cpuparams.n_threads = 1
    params.api_keys = [KEY]
    return xllamacpp.Server(params)


def make_certificate(path: pathlib.Path) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                    str(path.with_suffix(".key")), "-out", str(path)], check=True, capture_output=True)


def start_tls(certificate: pathlib.Path, behind: str) -> int:
    """TLS in front of a plain server: passes bytes both ways. Returns its port."""
    host, port = behind.rsplit("/", 1)[1].split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def relay(client: socket.socket) -> None:
        try:
            inside = context.wrap_socket(client, server_side=True)
        except OSError:
            return  # the client does not trust the certificate
        server = socket.create_connection((host, int(port)))
        threading.Thread(target=copy, args=(inside, server), daemon=True).start()
        copy(server, inside)

    def accept() -> None:
        while True:
            threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


class Check:
    def __init__(self, ksmith: str, folder: pathlib.Path) -> None:
        self.ksmith = ksmith
        self.folder = folder
        self.runs = 0
        (folder / "key.txt").write_text(KEY)
        (folder / "wrong.txt").write_text("sk-wrong-0123456789")

    def run(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run([self.ksmith, *arguments], check=False, cwd=self.folder, text=True,
                              capture_output=True, timeout=300)
        if done.returncode != status:
            sys.exit(f"FAILED: {' '.join(arguments)}: status {done.returncode}, not {status}\n"
                     f"{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def evolve(self, what: str, url: str, *arguments: str, key: str = "key.txt", status: int = 0,
               words: tuple[str, ...] = ()) -> None:
        self.runs += 1
        run = f"run{self.runs}"
        said = self.run("evolve", "matvec", "--server", url, "--model", "random", "--key-file", key,
                        "--config", "config.toml", "--run", run, "--steps", "3", *arguments,
                        status=status)
        for word in words:
            if word not in said:
                sys.exit(f"FAILED: {what}: '{word}' is not in:\n{said}")
        if KEY in said:
            sys.exit(f"FAILED: {what}: the key is shown")
        if status == 0:
            shown = json.loads(self.run("show", run, "--json"))
            if shown["outcomes"].get("rejected", 0) < 3:
                sys.exit(f"FAILED: {what}: {shown['outcomes']}")
            self.run("replay", run)
        print(f"fine: {what}", flush=True)


def main() -> int:
    ksmith = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/ksmith").resolve())
    with tempfile.TemporaryDirectory(prefix="ksmith-llm-") as name:
        folder = pathlib.Path(name)
        make_model(folder / "random.gguf")
        make_certificate(folder / "server.pem")
        (folder / "config.toml").write_text(CONFIG.format(ca_file=folder / "server.pem"))
        check = Check(ksmith, folder)
        plain = serve(folder / "random.gguf")
        url = plain.listening_address + "/v1"
        check.evolve("llm over http", url, "--proposer", "llm", words=("3 proposals, 3 of them unusable",))
        check.evolve("four requests in flight", url, "--proposer", "llm", "--jobs", "4")
        check.evolve("scientist", url, "--proposer", "scientist")
        check.evolve("best_of_n", url, "--proposer", "best_of_n")
        check.evolve("a wrong key", url, "--proposer", "llm", key="wrong.txt", status=1, words=("401", "key"))
        check.evolve("a budget", url, "--proposer", "llm", "--budget-calls", "6", words=("models",))
        check.evolve("an unknown path", plain.listening_address + "/nowhere", "--proposer", "llm", status=2,
                     words=("404",))
        port = start_tls(folder / "server.pem", plain.listening_address)
        check.evolve("llm over https", f"https://localhost:{port}/v1", "--proposer", "llm")
        (folder / "config.toml").write_text(CONFIG.format(ca_file=""))
        check.evolve("a certificate that nobody vouches for", f"https://localhost:{port}/v1", "--proposer",
                     "llm", status=1, words=("TLS",))
        print(f"{check.runs} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
