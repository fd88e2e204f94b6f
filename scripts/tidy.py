#!/usr/bin/env python3
"""tidy.py BUILD_FOLDER: clang-tidy over every file of ours that BUILD_FOLDER compiles.

A file that passed is not checked again until it, a header it includes, its flags or the configuration change:
what is remembered is the digest of its preprocessed text. Runs in the toolchain container.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

CACHE = pathlib.Path(os.environ["CCACHE_DIR"], "tidy")
IGNORED_BY_CLANG = ("-Werror",)  # warnings are gcc's business here


def preprocessed(entry):
    """The file with its headers, as clang reads it, and without line markers that a moved line would change."""
    words = [word for word in shlex.split(entry["command"]) if word not in IGNORED_BY_CLANG]
    while not words[0].endswith("c++"):  # ccache stands before the compiler
        words.pop(0)
    output = words.index("-o")
    flags = words[1:output] + words[output + 2 :]
    command = ["clang++-19", *[flag for flag in flags if flag != "-c"], "-E", "-w"]
    return subprocess.run(command, cwd=entry["directory"], capture_output=True, check=True).stdout


def check(build, entry, configuration):
    """None when the file is clean, else what clang-tidy says of it."""
    digest = hashlib.sha256(configuration + entry["command"].encode() + preprocessed(entry)).hexdigest()
    if (CACHE / digest).exists():
        return None
    command = ["clang-tidy-19", "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option",
               "--extra-arg=-Wno-deprecated-declarations",  # Boost, seen through our templates
               # cpprestsdk has a unique_ptr of an incomplete type, whose destructor clang needs at once if it is constexpr
               "--extra-arg=-D_GLIBCXX23_CONSTEXPR=",
               entry["file"]]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        return result.stdout or result.stderr
    (CACHE / digest).touch()
    return None


def main():
    build = sys.argv[1]
    CACHE.mkdir(parents=True, exist_ok=True)
    configuration = pathlib.Path(".clang-tidy").read_bytes()
    entries = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {pool.submit(check, build, entry, configuration): entry["file"] for entry in entries}
        for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
            complaint = future.result()
            failed += complaint is not None
            print(f"[{done}/{len(futures)}] {futures[future]}" + (f"\n{complaint}" if complaint else ""), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
