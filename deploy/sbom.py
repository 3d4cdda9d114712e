"""Lists what is in the binary of each function, as a CycloneDX bill of materials beside its package.

    target/package/<architecture>/<function>/bootstrap.cdx.json

cargo-cyclonedx describes the whole workspace as cargo resolves it together, so each function's bill would name what any of
them needs. Of each, only what `cargo tree` finds for that function alone, as it is built, is kept.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys

import package


def run(*command):
    return subprocess.run(command, cwd=package.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(function, target):
    """The crates in a function's binary, each as (name, version)."""
    tree = run("cargo", "tree", "--locked", "-p", function, "-e", "normal", "--target", target, "--prefix", "none")
    return set(re.findall(r"^(\S+) v(\S+)", tree, re.MULTILINE))


def describe(target):
    """The bill of each binary of the workspace, by the binary's name."""
    command = ["cargo", "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--no-build-deps"]
    run(*command, "--target", target, "--describe", "binaries")
    bills = {}
    # It writes into each crate's folder, and can be told no other place.
    for path in package.ROOT.glob("*/**/*_bin.cdx.json"):
        bills[path.name.removesuffix("_bin.cdx.json")] = json.loads(path.read_text())
        path.unlink()
    return bills


def prune(bill, crates):
    """Leaves the components that are among the crates, and what is said of them."""
    bill["components"] = [part for part in bill["components"] if (part["name"], part["version"]) in crates]
    kept = {part["bom-ref"] for part in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    bill["dependencies"] = [
        {**node, "dependsOn": [to for to in node.get("dependsOn", []) if to in kept]}
        for node in bill.get("dependencies", [])
        if node["ref"] in kept
    ]


def settle(bill):
    """The same commit, the same bill: no random number, and the commit's time."""
    bill.pop("serialNumber", None)
    committed = datetime.datetime.fromtimestamp(int(run("git", "log", "-1", "--format=%ct")), datetime.timezone.utc)
    bill["metadata"]["timestamp"] = committed.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = json.dumps(bill, indent=2) + "\n"
    # Where the checkout lies is nobody's business.
    return text.replace(package.ROOT.as_uri(), "file:///longshore").replace(str(package.ROOT), "/longshore")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", choices=package.TARGETS, default="arm64")
    parser.add_argument("function", nargs="*", help="which ones; all of them by default")
    arguments = parser.parse_args()
    names = package.chosen(arguments.function)
    target = package.TARGETS[arguments.arch]
    bills = describe(target)
    for name in names:
        crates = linked(name, target)
        prune(bills[name], crates)
        path = package.ROOT / "target" / "package" / arguments.arch / name / "bootstrap.cdx.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(settle(bills[name]))
        components = len(bills[name]["components"])
        # The function itself is what the bill is of, not a component of it.
        if components != len(crates) - 1:
            sys.exit(f"{name}: {components} components in the bill, {len(crates) - 1} crates in the binary")
        print(f"{name}: {components} components, {path.relative_to(package.ROOT)}")


if __name__ == "__main__":
    main()
