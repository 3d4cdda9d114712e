"""Measures `images` beside pyvips, sharp and Pillow: CPU seconds, peak memory, wall time, bytes and likeness.

    run.py [--rounds N] [--dry-run]

A 12 MP photo becomes widths of 320, 1024 and 2048 pixels, as JPEG and as JPEG and WebP, quality 80. Every candidate runs once in
each round, in an order that turns with the rounds. CPU seconds (user and system) and the peak of resident memory are the
kernel's, by wait4. Likeness is the SSIM of luma (Wang et al., 2004; 8 × 8 windows) against a Lanczos3 reduction of the photo, in
the light each candidate reduces in: linear for ours, sRGB codes for the others.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

import photo

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "bench" / "images"
RENDER = ROOT / "target" / "release" / "examples" / "render"
RESULTS = HERE.parent / "results" / "images.json"
README = HERE.parent / "README.md"
FROM, TO = "<!-- bench-images writes from here -->", "<!-- bench-images writes to here -->"
SETS = {"jpeg": ["jpg"], "jpeg and webp": ["jpg", "webp"]}
PEERS = ["pyvips_chain", "pyvips_thumbnail", "pillow"]
# The goals: shares of the best peer's CPU, of sharp's, of the best peer's memory.
CPU_GOALS, SHARP_GOAL, MEMORY_GOAL, WALL_GOAL = {"jpeg": 0.6, "jpeg and webp": 0.8}, 1 / 3, 0.5, 0.5


def commands(source):
    """All candidates: the set, the name, the threads, the command, the folder it writes to."""
    for made, endings in SETS.items():
        formats = ",".join(endings)
        spec = json.dumps({"formats": ["jpeg" if ending == "jpg" else ending for ending in endings]})
        for threads in (1, 2):
            out = WORK / f"ours-{threads}"
            command = [RENDER, source, out, "--threads", str(threads), "--spec", spec]
            yield made, "longshore", threads, command, out / source.name
            out = WORK / f"sharp-{threads}"
            yield made, "sharp", threads, ["node", WORK / "sharp.mjs", formats, str(threads), source, out], out
        for peer in PEERS:
            out = WORK / peer
            yield made, peer, 1, [sys.executable, HERE / "peers.py", peer, formats, source, out], out


# A process counts the memory of the one that started it, until it becomes its own program: this one is small.
LAUNCH = """
import json, os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps({
    "cpu_s": usage.ru_utime + usage.ru_stime,
    "peak_mb": usage.ru_maxrss / 1024,
    "wall_s": time.monotonic() - began,
}))
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""


def measure(command, out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    launch = [sys.executable, "-I", "-S", "-c", LAUNCH, *map(str, command)]
    done = subprocess.run(launch, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr[-300:]}")
    return json.loads(done.stdout)


def reference(source, width, is_linear):
    picture = Image.open(source).convert("RGB")
    size = (width, width * picture.height // picture.width)
    if not is_linear:
        return np.asarray(picture.resize(size, Image.LANCZOS).convert("L")).astype(np.float64)
    codes = np.arange(256) / 255
    table = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4).astype(np.float32)
    bands = [Image.fromarray(table[np.asarray(band)]).resize(size, Image.LANCZOS) for band in picture.split()]
    light = np.clip(np.stack([np.asarray(band) for band in bands], -1), 0, 1)
    codes = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    return np.asarray(Image.fromarray((codes + 0.5).astype(np.uint8)).convert("L")).astype(np.float64)


def ssim(a, b):
    def mean(x):
        height, width = (side // 8 * 8 for side in x.shape)
        return x[:height, :width].reshape(height // 8, 8, width // 8, 8).mean((1, 3))

    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return (top / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2))).mean()


def judge(source, name, out, endings):
    """Bytes and likeness of each rendition."""
    judged = {}
    for ending in endings:
        for width in (2048, 1024, 320):
            path = out / f"{width}.{ending}"
            made = np.asarray(Image.open(path).convert("L")).astype(np.float64)
            like = ssim(made, reference(source, width, name == "longshore"))
            judged[path.name] = {"bytes": path.stat().st_size, "ssim": round(like, 4)}
    return judged


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dry-run", action="store_true", help="leave bench/results as it is")
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "sharp.mjs", WORK)
    source = WORK / "photo.jpg"
    if not source.exists():
        photo.make(source)
    candidates = list(commands(source))
    runs = {index: [] for index in range(len(candidates))}
    for turn in range(arguments.rounds):
        for step in range(len(candidates)):
            index = (step + turn) % len(candidates)
            runs[index].append(measure(candidates[index][3], candidates[index][4]))
    results = []
    for index, (made, name, threads, _, out) in enumerate(candidates):
        measure(candidates[index][3], out)
        medians = {key: round(statistics.median(run[key] for run in runs[index]), 3) for key in runs[index][0]}
        results.append({"set": made, "name": name, "threads": threads, **medians, "renditions": judge(source, name, out, SETS[made])})
    for result in results:
        sizes = sum(one["bytes"] for one in result["renditions"].values())
        likeness = " ".join(f"{one['ssim']:.3f}" for one in result["renditions"].values())
        print(
            f"{result['set']:14} {result['name']:17} {result['threads']} thread(s)  {result['cpu_s']:.3f} CPU s"
            f"  {result['peak_mb']:5.1f} MB  {result['wall_s']:.3f} s  {sizes:8} bytes  ssim {likeness}"
        )
    goals = []
    for made, goal in CPU_GOALS.items():
        of = {(one["name"], one["threads"]): one for one in results if one["set"] == made}
        ours, sharp = of["longshore", 1], of["sharp", 1]
        peers = [one for (name, threads), one in of.items() if name != "longshore" and threads == 1]
        cpu, memory = (min(one[key] for one in peers) for key in ("cpu_s", "peak_mb"))
        rows = [
            ("CPU, of the best peer's", ours["cpu_s"] / cpu, goal),
            ("memory, of the best peer's", ours["peak_mb"] / memory, MEMORY_GOAL),
            ("wall time on two cores, of sharp's", of["longshore", 2]["wall_s"] / of["sharp", 2]["wall_s"], WALL_GOAL),
        ]
        if made == "jpeg":
            rows.append(("CPU, of sharp's", ours["cpu_s"] / sharp["cpu_s"], SHARP_GOAL))
        goals += [{"set": made, "goal": what, "asked": round(asked, 2), "is": round(is_, 2), "met": is_ <= asked} for what, is_, asked in rows]
    for row in goals:
        print(f"{row['set']}: {row['goal']}: {row['is']} (asked {row['asked']})")
    if not arguments.dry_run:
        facts = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "rounds": arguments.rounds, "load": os.getloadavg()}
        RESULTS.write_text(json.dumps({**facts, "goals": goals, "results": results}, indent=1) + "\n")
        write_readme(table(results, goals, facts))


def table(results, goals, facts):
    lines = [FROM, "", f"Measured {facts['at']} on {os.cpu_count()} cores, medians of {facts['rounds']} rounds, load average at the end {facts['load'][0]:.2f}.", ""]
    lines += ["| goal | set | asked | is | |", "|---|---|--:|--:|---|"]
    lines += [f"| {row['goal']} | {row['set']} | {row['asked']} | {row['is']} | {'met' if row['met'] else '**not met**'} |" for row in goals]
    lines += ["", "| set | | threads | CPU s | peak MB | wall s | bytes | SSIM, 2048 / 1024 / 320 wide |", "|---|---|--:|--:|--:|--:|--:|---|"]
    for one in results:
        bytes_ = sum(made["bytes"] for made in one["renditions"].values())
        likeness = [made["ssim"] for made in one["renditions"].values()]
        parts = [" / ".join(f"{value:.3f}" for value in likeness[at : at + 3]) for at in range(0, len(likeness), 3)]
        lines.append(f"| {one['set']} | {one['name']} | {one['threads']} | {one['cpu_s']:.3f} | {one['peak_mb']:.0f} | {one['wall_s']:.3f} | {bytes_:,} | {'; '.join(parts)} |")
    return "\n".join([*lines, "", TO])


def write_readme(text):
    before, rest = README.read_text().split(FROM, 1)
    README.write_text(before + text + rest.split(TO, 1)[1])


if __name__ == "__main__":
    main()
