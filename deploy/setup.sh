#!/bin/bash
# Installs what `make package` needs beyond Rust and Python, or says by name what is lacking and how to get it:
# the standard library of each target, and the tools that cargo runs.
set -euo pipefail

ARM64=aarch64-unknown-linux-gnu
DENY_VERSION=0.20.2
CYCLONEDX_VERSION=0.5.9

has_target() { # TOOLCHAIN TARGET
	[ -d "$(rustc "+$1" --print sysroot 2>/dev/null)/lib/rustlib/$2/lib" ]
}

# Some machines' rustup can fetch no target. Debian has its own compiler with a standard library for ARM64; rustup
# then knows it as the toolchain `debian`.
debian_target() {
	command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
	echo "$ARM64: rustup cannot fetch it; installing Debian's rustc with that target"
	dpkg --add-architecture arm64
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		rustc-web cargo-web libstd-rust-web-dev:arm64 >/dev/null
	rustup toolchain link debian /usr
}

arm64_target() {
	local active
	if ! command -v rustup >/dev/null; then
		[ -d "$(rustc --print sysroot)/lib/rustlib/$ARM64/lib" ] && return
		echo "missing: the Rust target $ARM64 (with rustup: rustup target add $ARM64)"
		return 1
	fi
	active=$(rustup show active-toolchain | cut -d ' ' -f 1)
	has_target "$active" "$ARM64" && return
	has_target debian "$ARM64" && return
	rustup target add "$ARM64" 2>/dev/null || debian_target && return
	echo "missing: the Rust target $ARM64 (rustup target add $ARM64; where rustup cannot fetch it, as root on Debian: make setup)"
	return 1
}

tool() { # NAME VERSION
	if ! cargo "${1#cargo-}" --version 2>/dev/null | grep -qF "$2"; then
		echo "$1 $2: installing"
		# Unoptimised: its build costs more than its runs.
		cargo install --quiet --locked --debug --version "$2" "$1"
	fi
}

case "${1:-all}" in
target) arm64_target ;;
deny) tool cargo-deny "$DENY_VERSION" ;;
cyclonedx) tool cargo-cyclonedx "$CYCLONEDX_VERSION" ;;
all)
	arm64_target
	tool cargo-deny "$DENY_VERSION"
	tool cargo-cyclonedx "$CYCLONEDX_VERSION"
	;;
*)
	echo "usage: setup.sh [target | deny | cyclonedx | all]" >&2
	exit 2
	;;
esac
