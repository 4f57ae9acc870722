# shellcheck shell=bash
# Sourced by the other scripts: the root folder, the build folder, and words on the terminal.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

target=$(realpath -m "${CARGO_TARGET_DIR:-target}" 2>/dev/null || echo "$root/target")

# A Node.js of our own, where the system's is too old (see scripts/need).
tools="$target/tools"
if [ -x "$tools/node_modules/.bin/node" ]; then
  PATH="$tools/node_modules/.bin:$PATH"
fi
# Where `cargo install` puts its programs, should the shell not know.
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
export PATH

say() { printf '%s\n' "==> $*" >&2; }

die() {
  printf '%s\n' "error: $*" >&2
  exit 1
}
