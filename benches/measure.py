"""Runs commands and emulators, and measures time, memory and requests."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import tempfile
import time


@dataclasses.dataclass
class Run:
    """One run of a command: seconds by the clock, seconds of all cores, MB at most resident."""

    wall: float
    cpu: float
    rss: float


def run(command, *, codes, cwd=None, env=None):
    """Runs a command, its output thrown away; any other exit code than `codes` is an error."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            output.seek(0)
            text = output.read()[-2000:].decode(errors="replace")
            raise SystemExit(f"{command} ended with {process.returncode}:\n{text}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def rounds(count, contenders):
    """Runs all contenders `count` times, in turn, so that all of them meet the same disturbances.

    `contenders` maps names to functions that return a `Run`. A first round is thrown away: it fills caches.
    """
    runs = {name: [] for name in contenders}
    for number in range(count + 1):
        for name, contender in contenders.items():
            one = contender()
            if number > 0:
                runs[name].append(one)
    return {name: Summary(ones) for name, ones in runs.items()}


class Summary:
    """Several runs of one command."""

    def __init__(self, runs):
        self.median = statistics.median(run.wall for run in runs)
        self.best = min(run.wall for run in runs)
        self.cpu = statistics.median(run.cpu for run in runs)
        self.rss = max(run.rss for run in runs)


class Emulator:
    """A running `polwarden emulate docker`."""

    def __init__(self, endpoint, log):
        self.endpoint = endpoint
        self._log = log

    def requests(self):
        """How many requests of each kind were answered: `POST orgs/ORG/governance/policies` and the like."""
        counts = {}
        for line in self._log.read_text().splitlines():
            entry = json.loads(line)
            parts = entry["path"].split("/")
            known = {"v2", "orgs", "governance", "policies", "rules", "auth", "token", "groups"}
            shape = "/".join(part if part in known else "*" for part in parts)
            key = f"{entry['method']} {shape}"
            counts[key] = counts.get(key, 0) + 1
        return counts


@contextlib.contextmanager
def emulator(polwarden, seed, latency):
    """Serves a seed on a free port of loopback, each request after `latency` milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        port_file, log = folder / "port", folder / "log"
        command = [polwarden, "emulate", "docker", "--port-file", port_file, "--seed-file", seed]
        command += ["--latency", str(latency), "--request-log", log]
        process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
        try:
            while not port_file.exists():
                if process.poll() is not None:
                    raise SystemExit("the emulator did not start")
                time.sleep(0.01)
            yield Emulator(f"http://127.0.0.1:{port_file.read_text().strip()}", log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()
