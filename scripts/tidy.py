#!/usr/bin/env python3
"""tidy.py BUILD_FOLDER: clang-tidy over every file of ours that BUILD_FOLDER, a unity build's, compiles.

Files of a target are read together, and the headers that they share once. Files that cannot be (two have the same name in
their unnamed namespaces) are then read one by one.

What passed is not checked again until it, a header it includes, its flags or the configuration change: what is
remembered is the digest of its preprocessed text. Runs in the toolchain container.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

CACHE = pathlib.Path(os.environ["CCACHE_DIR"], "tidy")
FLAGS = ["-Wno-unknown-warning-option",
         "-Wno-deprecated-declarations",  # Boost, seen through our templates
         # cpprestsdk has a unique_ptr of an incomplete type, whose destructor clang needs at once if it is constexpr
         "-D_GLIBCXX23_CONSTEXPR="]


def flags_of(entry):
    """What its compilation says of it, for clang: without the compiler, the files, and errors, which are gcc's business."""
    words = shlex.split(entry["command"])
    while not words[0].endswith("c++"):  # ccache stands before the compiler
        words.pop(0)
    output = words.index("-o")
    words = words[1:output] + words[output + 2 :]
    return [word for word in words if word not in ("-c", "-Werror", entry["file"])] + FLAGS


def parts_of(file):
    """What a unity build's file includes; nothing if it is a file of ours."""
    if "/Unity/" not in file:
        return []
    return re.findall(r'^#include "(.*)"$', pathlib.Path(file).read_text(), re.MULTILINE)


def run(command, entry):
    return subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, errors="replace")


def complaint_of(file, flags, entry):
    """None when the file and what it includes of ours are clean, else what clang-tidy says of them."""
    result = run(["clang-tidy-19", "--quiet", file, "--", *flags], entry)
    if result.returncode == 0:
        return None
    return result.stdout or result.stderr or f"clang-tidy-19 {file}: status {result.returncode}"


def check(entry, configuration):
    """None when the entry is clean, else what clang-tidy says of it."""
    file, flags = entry["file"], flags_of(entry)
    text = run(["clang++-19", *flags, "-E", "-P", "-w", file], entry)
    if text.returncode != 0:
        return text.stderr
    digest = hashlib.sha256("\0".join([configuration, *flags, text.stdout]).encode()).hexdigest()
    if (CACHE / digest).exists():
        return None
    complaint = complaint_of(file, flags, entry)
    parts = parts_of(file)
    if complaint and "[clang-diagnostic-error" in complaint and len(parts) > 1:
        complaint = "".join(filter(None, (complaint_of(part, flags, entry) for part in parts))) or None
    if complaint is None:
        (CACHE / digest).touch()
    return complaint


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    configuration = pathlib.Path(".clang-tidy").read_text()
    entries = json.loads(pathlib.Path(sys.argv[1], "compile_commands.json").read_text())
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {pool.submit(check, entry, configuration): entry["file"] for entry in entries}
        for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
            complaint = future.result()
            failed += complaint is not None
            print(f"[{done}/{len(futures)}] {futures[future]}" + (f"\n{complaint}" if complaint else ""), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
