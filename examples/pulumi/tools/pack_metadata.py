"""Writes what a Python policy pack declares to `polwarden-metadata.json`.

Run it with the interpreter that has the dependencies of the pack:

    venv/bin/python tools/pack_metadata.py packs/tag-guard

The pack is started as the engine of Pulumi starts it, and asked for its policies over loopback. The
engine itself is not needed.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

METADATA = "polwarden-metadata.json"
# Folders that no archive contains, or that are not part of the source.
SKIPPED = {".git", "node_modules", "venv", ".venv", "__pycache__"}


def plain(value):
    """Numbers arrive as floating point; whole ones are written as integers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def analyzer_info(pack):
    # An address of the engine is required, and nothing is sent to it.
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=pack, env=environment)
    try:
        port = process.stdout.readline().strip()
        if not port.isdigit():
            sys.exit(f"{pack} did not start a policy pack")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = analyzer_pb2_grpc.AnalyzerStub(channel)
            return stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=30)
    finally:
        process.kill()
        process.wait()


def policy(info):
    level = analyzer_pb2.EnforcementLevel.Name(info.enforcementLevel).lower()
    found = {"name": info.name, "enforcementLevel": level}
    if info.HasField("configSchema"):
        properties = json_format.MessageToDict(info.configSchema.properties)
        found["configSchema"] = {"type": "object", "properties": plain(properties)}
        required = sorted(info.configSchema.required)
        if required:
            found["configSchema"]["required"] = required
    return found


def files(pack):
    for folder, folders, names in os.walk(pack, followlinks=True):
        folders[:] = sorted(set(folders) - SKIPPED)
        for name in names:
            path = Path(folder, name)
            if name != METADATA:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                yield path.relative_to(pack).as_posix(), f"sha256:{digest}"


def main():
    pack = Path(sys.argv[1]).resolve()
    info = analyzer_info(pack)
    metadata = {
        "formatVersion": 1,
        "name": info.name,
        "policies": sorted(map(policy, info.policies), key=lambda item: item["name"]),
        "files": dict(sorted(files(pack))),
    }
    text = json.dumps(metadata, indent=2) + "\n"
    (pack / METADATA).write_text(text, encoding="utf-8")


main()
