"""Measures `tables` beside what people use today: wall time, CPU seconds and peak memory of whole processes.

    run.py [--rounds N] [--only NAME] [--dry-run]

Every candidate of an input runs once in each round, in an order that turns with the rounds, so that what else the machine
does falls on all of them. What is compared runs one right after the other, as within minutes such a machine's pace changes by more
than is asked about, within seconds by less: ours on one thread and on two before each peer with its profile, and the ways to
Protocol Buffers, which are short, by turns. CPU seconds (user and system) and the peak of resident memory are the kernel's, by wait4.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import inputs
import records

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "bench"
CONVERT = ROOT / "target" / "release" / "examples" / "convert"
RESULTS = HERE.parent / "results" / "tables.json"
README = HERE.parent / "README.md"
FROM, TO = "<!-- bench-tables writes from here -->", "<!-- to here -->"

# The goals: shares of the best peer's, a speed-up on two threads, a cap, and a multiple.
CPU_GOAL, MEMORY_GOAL, SPEEDUP_GOAL, MEMORY_CAP_MB, PROTOBUF_GOAL = 0.5, 0.25, 1.8, 256, 20
PEERS = ["duckdb", "polars", "polars-streaming", "pyarrow", "pandas"]
# So often the ways to Protocol Buffers take turns in each round.
TURNS = 3
# What the peers make, too.
SAME_OUTPUTS = "table.parquet,profile.json"
OURS = "longshore"
# All that a function makes of a table: Protocol Buffers and a page beside these.
EVERYTHING = "longshore, all outputs"


@dataclass
class Candidate:
    """A way from a CSV to Parquet (or Protocol Buffers)."""

    name: str
    input: str
    source: Path
    threads: int
    profile: bool
    command: list
    runs: list = field(default_factory=list)
    failed: str = ""

    def median(self, key):
        return statistics.median(run[key] for run in self.runs)

    def spread(self, key):
        values = [run[key] for run in self.runs]
        return [min(values), max(values)]


# A process counts the memory of the one that started it, until it becomes its own program: this one is small.
LAUNCH = """
import json, os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[2:], stdout=sys.stderr, stdin=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
wall = time.monotonic() - began
with open(sys.argv[1], "w") as file:
    json.dump({
        "wall_s": round(wall, 3),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
    }, file)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def read_once(path):
    """Has the kernel hold a file in memory, which it may have dropped since."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def measure(command, source, out):
    """Runs a command as a process of its own; its input comes from memory, and no disk is measured."""
    read_once(source)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    measured = out.with_suffix(".json")
    measured.write_text("{}")
    launch = [sys.executable, "-I", "-S", "-c", LAUNCH, str(measured), *command]
    with (out / "log").open("wb") as log:
        process = subprocess.run(launch, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    run = {
        **json.loads(measured.read_text()),
        "parquet_mb": round(sum(file.stat().st_size for file in out.glob("*.parquet")) / 1e6, 1),
    }
    log = (out / "log").read_text(errors="replace").strip().splitlines()
    shutil.rmtree(out, ignore_errors=True)
    return run, "" if process.returncode == 0 else f"exit {process.returncode}: {log[-1] if log else ''}"


def candidates(paths):
    found = []
    for name, path in paths.items():
        out = WORK / "out"
        for label, only in [(OURS, ["--only", SAME_OUTPUTS]), (EVERYTHING, [])]:
            for threads in [1, 2]:
                command = [str(CONVERT), "--threads", str(threads), *only, str(path), str(out)]
                found.append(Candidate(label, name, path, threads, True, command))
        for peer in PEERS:
            for threads, profile in [(1, True), (1, False), (2, True)]:
                if threads == 2 and peer == "pandas":
                    continue
                peers = [sys.executable, str(HERE / "peers.py"), peer, str(path), str(out)]
                peers += ["--threads", str(threads)] + ["--profile"] * profile
                found.append(Candidate(peer, name, path, threads, profile, peers))
    return found


def protobuf_candidates():
    """CSV to Protocol Buffers: the flights once, 31 MB."""
    source = WORK / "flights-once.csv"
    pairs = records.candidates(source, WORK / "out")
    return [Candidate(name, "protobuf", source, 1, False, command) for name, command in pairs]


def is_pair(candidate):
    """Whether it is ours, on one thread or on two, as peers are compared with it."""
    return candidate.name == OURS and candidate.input != "protobuf"


def is_compared(candidate):
    return candidate.name in PEERS and candidate.profile and candidate.threads == 1


def turns(all_candidates):
    """Who runs right after whom."""
    found = []
    for name in dict.fromkeys(candidate.input for candidate in all_candidates):
        of_input = [candidate for candidate in all_candidates if candidate.input == name]
        if name == "protobuf":
            found.append(of_input * TURNS)
            continue
        pair = [candidate for candidate in of_input if is_pair(candidate)]
        others = [candidate for candidate in of_input if not is_pair(candidate)]
        if not any(map(is_compared, others)):
            found.append(pair)
        found += [pair + [other] if is_compared(other) else [other] for other in others]
    return found


def run_all(all_candidates, rounds):
    all_turns = turns(all_candidates)
    for number in range(rounds):
        first = number % max(len(all_turns), 1)
        for turn in all_turns[first:] + all_turns[:first]:
            run_turn(turn, number)


def run_turn(turn, number):
    ours = None
    for candidate in turn:
        if candidate.failed:
            continue
        run, failed = measure(candidate.command, candidate.source, WORK / "out")
        what = f"{candidate.input} {candidate.name} {candidate.threads} thread(s)"
        what += "" if candidate.profile else ", no profile"
        print(f"round {number + 1}: {what}: {failed or run}", flush=True)
        if failed:
            candidate.failed = failed
            candidate.runs = []
            continue
        if is_pair(candidate) and candidate.threads == 1:
            ours = run
        if ours and is_compared(candidate):
            run["ours_cpu_s"] = ours["cpu_s"]
        candidate.runs.append(run)


def pick(all_candidates, **wanted):
    return [
        candidate
        for candidate in all_candidates
        if candidate.runs and all(getattr(candidate, key) == value for key, value in wanted.items())
    ]


def goals(all_candidates):
    """What was asked for, and whether it is so: against the best peer in each respect, whoever that is."""
    rows = []
    for name in dict.fromkeys(candidate.input for candidate in all_candidates):
        ours = pick(all_candidates, input=name, name=OURS)
        one = next((candidate for candidate in ours if candidate.threads == 1), None)
        two = next((candidate for candidate in ours if candidate.threads == 2), None)
        peers = [candidate for candidate in pick(all_candidates, input=name, threads=1) if not candidate.name.startswith("longshore")]
        if name == "protobuf":
            if one and peers:
                best = min(peers, key=lambda peer: peer.median("cpu_s"))
                ratio = statistics.median(a["cpu_s"] / b["cpu_s"] for a, b in zip(best.runs, one.runs))
                what = f"CSV to Protocol Buffers, CPU: times less than {best.name} (median of turns)"
                rows.append({"input": name, "goal": what, "asked": PROTOBUF_GOAL, "is": round(ratio, 1), "met": ratio >= PROTOBUF_GOAL})
            continue
        with_profile = [peer for peer in peers if peer.profile]
        if one and with_profile:
            best = min(with_profile, key=lambda peer: peer.median("cpu_s"))
            ratio = statistics.median(run["ours_cpu_s"] / run["cpu_s"] for run in best.runs)
            what = f"CPU of one thread, of the best peer's ({best.name}, with its profile; median of turns)"
            rows.append({"input": name, "goal": what, "asked": CPU_GOAL, "is": round(ratio, 3), "met": ratio <= CPU_GOAL})
            best = min(with_profile, key=lambda peer: peer.median("peak_mb"))
            ratio = one.median("peak_mb") / best.median("peak_mb")
            what = f"memory of one thread, of the best peer's ({best.name}, with its profile)"
            rows.append({"input": name, "goal": what, "asked": MEMORY_GOAL, "is": round(ratio, 3), "met": ratio <= MEMORY_GOAL})
        if one and two:
            ratio = statistics.median(a["wall_s"] / b["wall_s"] for a, b in zip(one.runs, two.runs))
            what = "two threads, times faster than one (wall; median of turns)"
            rows.append({"input": name, "goal": what, "asked": SPEEDUP_GOAL, "is": round(ratio, 2), "met": ratio >= SPEEDUP_GOAL})
            everything = pick(all_candidates, input=name, name=EVERYTHING, threads=2)
            peak = max(candidate.median("peak_mb") for candidate in [two, *everything])
            what = "peak memory of two threads, MB (of all outputs, if more)"
            rows.append({"input": name, "goal": what, "asked": MEMORY_CAP_MB, "is": peak, "met": peak <= MEMORY_CAP_MB})
    return rows


def table(all_candidates, goal_rows, facts):
    lines = [FROM, "", f"Measured {facts['at']} on {facts['cores']} cores ({facts['machine']}), {facts['rounds']} rounds; load average before the"]
    lines += [f"start: {facts['load_before']:.2f}, at the end: {facts['load_after']:.2f}. Medians, with the least and the greatest.", ""]
    lines += ["| goal | input | asked | is | |", "|---|---|--:|--:|---|"]
    for row in goal_rows:
        lines.append(f"| {row['goal']} | {row['input']} | {row['asked']} | {row['is']} | {'met' if row['met'] else '**not met**'} |")
    for name in dict.fromkeys(candidate.input for candidate in all_candidates):
        size = facts["inputs"].get(name)
        lines += ["", f"`{name}`" + (f", {size / 1e6:.0f} MB:" if size else ":"), ""]
        lines += ["| | threads | profile | wall s | CPU s | peak MB | Parquet MB |", "|---|--:|---|--:|--:|--:|--:|"]
        for candidate in (candidate for candidate in all_candidates if candidate.input == name):
            start = f"| {candidate.name} | {candidate.threads} | {'yes' if candidate.profile else 'no'} | "
            if not candidate.runs:
                lines.append(start + f"{candidate.failed or 'not run'} | | | |")
                continue
            cells = []
            for key in ["wall_s", "cpu_s", "peak_mb"]:
                low, high = candidate.spread(key)
                digits = 0 if key == "peak_mb" else 2
                cells.append(f"{candidate.median(key):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})")
            cells.append(f"{candidate.median('parquet_mb'):.0f}")
            lines.append(start + " | ".join(cells) + " |")
    return "\n".join([*lines, "", TO])


def write_readme(text):
    readme = README.read_text()
    if FROM not in readme:
        sys.exit(f"{README} has no line {FROM}")
    before, rest = readme.split(FROM, 1)
    README.write_text(before + text + rest.split(TO, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="candidates and inputs of this name alone (comma-separated)")
    parser.add_argument("--dry-run", action="store_true", help="print, and leave the results and the README alone")
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    paths = {"flights": inputs.flights(WORK), "wide": inputs.wide(WORK)}
    all_candidates = candidates(paths) + protobuf_candidates()
    if arguments.only:
        wanted = set(arguments.only.split(","))
        all_candidates = [candidate for candidate in all_candidates if {candidate.name, candidate.input} & wanted]
    facts = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cores": os.cpu_count(),
        "machine": f"{platform.machine()}-{platform.system().lower()}",
        "rounds": arguments.rounds,
        "load_before": os.getloadavg()[0],
        "inputs": {name: path.stat().st_size for name, path in {**paths, "protobuf": WORK / "flights-once.csv"}.items()},
        "versions": dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split()),
    }
    run_all(all_candidates, arguments.rounds)
    facts["load_after"] = os.getloadavg()[0]
    goal_rows = goals(all_candidates)
    text = table(all_candidates, goal_rows, facts)
    print(text)
    if arguments.dry_run:
        return
    candidate_facts = [
        {
            "name": candidate.name,
            "input": candidate.input,
            "threads": candidate.threads,
            "profile": candidate.profile,
            "runs": candidate.runs,
            "failed": candidate.failed or None,
        }
        for candidate in all_candidates
    ]
    RESULTS.write_text(json.dumps({**facts, "goals": goal_rows, "candidates": candidate_facts}, indent=1) + "\n")
    write_readme(text)


if __name__ == "__main__":
    main()
