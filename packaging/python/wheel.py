"""Builds a wheel that contains a program: wheel.py VERSION PLATFORM PROGRAM LICENSE README FOLDER.

The format is the binary distribution format of PyPA. Only the standard library is used, so a release needs no package that
is not pinned. `pip install` puts the program next to `python`.
"""

import base64
import hashlib
import pathlib
import sys
import zipfile

# Wheels are reproducible: the earliest time that the archive format can express.
TIME = (1980, 1, 1, 0, 0, 0)


def main(version, platform, program, license_file, readme, folder):
    program, folder = pathlib.Path(program), pathlib.Path(folder)
    info = f"polwarden-{version}.dist-info"
    metadata = (
        "Metadata-Version: 2.4\n"
        "Name: polwarden\n"
        f"Version: {version}\n"
        "Summary: GitOps for policy as code: plan, apply and audit policies from YAML in git\n"
        "License-Expression: Apache-2.0\n"
        "License-File: LICENSE\n"
        "Requires-Python: >=3.8\n"
        "Description-Content-Type: text/markdown\n"
        "\n"
    )
    tags = "".join(f"Tag: py3-none-{tag}\n" for tag in platform.split("."))
    entries = [
        (f"polwarden-{version}.data/scripts/{program.name}", program.read_bytes(), 0o755),
        (f"{info}/METADATA", metadata.encode() + pathlib.Path(readme).read_bytes(), 0o644),
        (
            f"{info}/WHEEL",
            f"Wheel-Version: 1.0\nGenerator: polwarden\nRoot-Is-Purelib: false\n{tags}".encode(),
            0o644,
        ),
        (f"{info}/licenses/LICENSE", pathlib.Path(license_file).read_bytes(), 0o644),
    ]
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data, _ in entries)
    record += f"{info}/RECORD,,\n"
    entries.append((f"{info}/RECORD", record.encode(), 0o644))
    path = folder / f"polwarden-{version}-py3-none-{platform}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data, mode in entries:
            entry = zipfile.ZipInfo(name, TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            wheel.writestr(entry, data)


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
