#!/usr/bin/env python3
"""Measures polwarden beside its peers and its floors, all in the same run, and prints Markdown tables.

    python3 benches/peers.py                 # everything, about 15 minutes
    python3 benches/peers.py --only validate # one part: validate, plan, apply, start, growth
    python3 benches/peers.py --also plain=PATH  # another polwarden binary beside this one in `validate`

Needs cargo, node with npm, and python with venv; everything is made in a temporary folder that is removed at the end.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from measure import emulator, rounds, run

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "schemas" / "docker-policy.schema.json"
LATENCY = 20
ENVIRONMENT = {"DOCKER_HUB_IDENTIFIER": "bench", "DOCKER_HUB_SECRET": "bench", "NO_COLOR": "1"}


class Bench:
    """The binaries, the repositories and the settings of one run."""

    def __init__(self, arguments, folder):
        self.rounds = arguments.rounds
        self.files = arguments.files
        self.also = dict(pair.split("=", 1) for pair in arguments.also)
        self.folder = folder
        self.polwarden, self.tools = build()

    def corpus(self, policies, invalid_once_in=0):
        """The folder of a repository, made if it is not there."""
        folder = self.folder / f"corpus-{policies}-{invalid_once_in}"
        if not folder.exists():
            command = [self.tools, "corpus", folder, "--policies", policies, "--invalid-once-in", invalid_once_in]
            run(command, codes={0})
        return folder

    def plan(self, corpus, endpoint):
        """Plans a repository; fails if there are changes."""
        command = [self.polwarden, "plan", corpus, "--detailed-exitcode", "--endpoint", f"docker={endpoint}"]
        return run(command, codes={0}, env=ENVIRONMENT)


def build():
    """The release binary and the bench tools."""
    command = ["cargo", "build", "--profile", "dist", "--bin", "polwarden", "--bench", "tools", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = [json.loads(line) for line in output.splitlines()]
    found = {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}
    return pathlib.Path(found["polwarden"]), pathlib.Path(found["tools"])


def table(heading, rows):
    """A Markdown table; the first column is text, the others are numbers."""
    print("\n| " + " | ".join(heading) + " |")
    print("|---|" + "--:|" * (len(heading) - 1))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def install_peers(folder):
    """Sourcemeta's native program and check-jsonschema, in a folder of their own."""
    node, venv = folder / "node", folder / "venv"
    node.mkdir()
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["npm", "install", "--prefix", node, "--no-audit", "@sourcemeta/jsonschema"], **quiet)
    subprocess.run([sys.executable, "-m", "venv", venv], **quiet)
    subprocess.run([venv / "bin" / "pip", "install", "check-jsonschema"], **quiet)
    programs = node / "node_modules" / "@sourcemeta" / "jsonschema" / "build" / "github-releases"
    # The package contains one program per operating system. The program is called directly, without the start of Node.js.
    for program in sorted(path for path in programs.rglob("jsonschema*") if path.is_file()):
        try:
            subprocess.run([program, "--version"], **quiet)
        except (OSError, subprocess.CalledProcessError):
            continue
        return program, venv / "bin" / "check-jsonschema"
    raise SystemExit("the npm package has no program for this machine")


def validate(bench):
    """Files a second of whole-repository checks."""
    sourcemeta, check_jsonschema = install_peers(bench.folder)
    corpus = bench.corpus(bench.files, 100)
    few = sorted((bench.corpus(500) / "policies").rglob("*.yaml"))
    contenders = {"polwarden validate": lambda: run([bench.polwarden, "validate", corpus], codes={3})}
    for name, path in bench.also.items():
        contenders[f"polwarden validate ({name})"] = lambda path=path: run([path, "validate", corpus], codes={3})
    contenders["jsonschema validate --fast (Sourcemeta)"] = lambda: run(
        [sourcemeta, "validate", "--fast", "--continue", SCHEMA, corpus / "policies"], codes={2}
    )
    contenders["yaml_serde to Value, nothing checked"] = lambda: run([bench.tools, "values", corpus], codes={0})
    slow = "check-jsonschema (500 files)"
    contenders[slow] = lambda: run([check_jsonschema, "--schemafile", SCHEMA, *few], codes={0})
    rows, base = [], None
    for name, summary in rounds(bench.rounds, contenders).items():
        count = len(few) if name == slow else bench.files
        rate = count / summary.median
        base = base or rate
        share = f"{rate / base:.2f}" if rate / base >= 0.1 else f"{rate / base:.4f}"
        row = [name, f"{rate:,.0f}", f"{count / summary.best:,.0f}", f"{count / summary.cpu:,.0f}", f"{summary.rss:.0f}"]
        rows.append([*row, share])
    table(["command", "files/s, median", "best", "files a CPU second", "MB", "to polwarden"], rows)


def floors(name, unit, results):
    """A table of two contenders, polwarden first and its floor second."""
    own, floor = results.values()
    rows = [
        [label, f"{one.median:.3f}", f"{one.best:.3f}", f"{one.cpu:.3f}", f"{one.rss:.0f}"]
        for label, one in results.items()
    ]
    table([name, f"{unit}, median", "best", "CPU s", "MB"], rows)
    print(f"\nTo the floor: {own.median / floor.median:.3f} by medians, {own.best / floor.best:.3f} by the best.")


def plan(bench):
    """A plan without changes of 1,000 policies, against the same requests alone."""
    corpus = bench.corpus(1000)
    with emulator(bench.polwarden, corpus / "seed.json", LATENCY) as service:
        floor = [bench.tools, "plan", "--endpoint", service.endpoint, "--organizations", 10]
        contenders = {
            "polwarden plan": lambda: bench.plan(corpus, service.endpoint),
            "the requests alone": lambda: run(floor, codes={0}),
        }
        floors("1,000 policies, 20 ms", "s", rounds(bench.rounds, contenders))


def apply(bench):
    """The first apply of 100 policies to an empty organization, against the same requests alone."""
    corpus = bench.corpus(100)
    requests = {}

    def first(name, command):
        with emulator(bench.polwarden, corpus / "empty.json", LATENCY) as service:
            one = run(command(service.endpoint), codes={0}, env=ENVIRONMENT)
            requests[name] = service.requests()
        return one

    def own(endpoint):
        return [bench.polwarden, "apply", corpus, "--auto-approve", "--allow-dirty", "--endpoint", f"docker={endpoint}"]

    def bare(endpoint):
        return [bench.tools, "apply", corpus / "seed.json", "--endpoint", endpoint, "--organizations", 1]

    names = {"polwarden apply": own, "the requests alone": bare}
    contenders = {name: lambda name=name, command=command: first(name, command) for name, command in names.items()}
    floors("100 policies, 20 ms", "s", rounds(bench.rounds, contenders))
    kinds = sorted({kind for counts in requests.values() for kind in counts})
    table(["request", *requests], [[kind, *(counts.get(kind, 0) for counts in requests.values())] for kind in kinds])


def start(bench):
    """How long the program takes to start, and how large it is."""
    contenders = {"polwarden --version": lambda: run([bench.polwarden, "--version"], codes={0})}
    summary = rounds(max(bench.rounds, 20), contenders)["polwarden --version"]
    size = bench.polwarden.stat().st_size / 1e6
    rows = [[f"{summary.median * 1000:.1f} ms", f"{summary.best * 1000:.1f} ms", f"{size:.1f} MB"]]
    table(["`--version`, median", "best", "size of the stripped binary"], rows)


def growth(bench):
    """How time, memory and requests grow with the number of policies."""
    rows = []
    for policies in (100, 1000, 10000):
        corpus = bench.corpus(policies)
        checked = rounds(bench.rounds, {"": lambda: run([bench.polwarden, "validate", corpus], codes={0})})[""]
        times = 3 if policies < 10000 else 1
        with emulator(bench.polwarden, corpus / "seed.json", LATENCY) as service:
            planned = rounds(times, {"": lambda: bench.plan(corpus, service.endpoint)})[""]
            requests = sum(service.requests().values()) // (times + 1)
        row = [f"{policies:,}", f"{checked.median:.3f} s", f"{checked.rss:.0f} MB"]
        rows.append([*row, f"{planned.median:.2f} s", f"{planned.cpu:.2f} s", f"{planned.rss:.0f} MB", f"{requests:,}"])
    table(["policies", "validate", "memory", "plan, 20 ms", "CPU of it", "memory", "requests"], rows)


PARTS = {"validate": validate, "plan": plan, "apply": apply, "start": start, "growth": growth}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each command is measured")
    parser.add_argument("--files", type=int, default=10000, help="how many files are validated")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=PATH", help="another polwarden binary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, pathlib.Path(folder))
        for part in arguments.only or PARTS:
            PARTS[part](bench)


if __name__ == "__main__":
    main()
