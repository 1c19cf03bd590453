#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a running balancer: installs what building needs, builds, runs the demo.
set -euo pipefail
cd "$(dirname "$0")"

case "${1:-}" in
  "") ;;
  -h | --help)
    echo "usage: ./quickstart.sh"
    echo "Installs the packages that building Tandem needs (apt, with sudo when you are not root), builds"
    echo "build/release/tandem and runs 'tandem demo': two nodes and their virtual address, three backends, a client; nodes"
    echo "and the primary are killed. It needs no root, or sudo where ordinary users may not make namespaces."
    exit 0
    ;;
  *)
    echo "quickstart.sh takes no arguments; see --help" >&2
    exit 2
    ;;
esac

# shellcheck source=.ci/packages.sh
source .ci/packages.sh

heading() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

heading "Packages for building"
update_package_lists
# shellcheck disable=SC2046  # one word per package
install_missing $(build_packages)

heading "Build: build/release/tandem"
cmake --preset release
cmake --build --preset release

heading "tandem demo"
may_show() { unshare --net --pid --fork "$@" true 2>/dev/null; }
if may_show || may_show --map-root-user; then
  build/release/tandem demo
elif ((EUID != 0)) && sudo unshare --net --pid --fork true 2>/dev/null; then
  sudo build/release/tandem demo
else
  echo "This host, a container maybe, allows no network namespaces: nothing is shown. docs/demo.md tells what would be."
fi

cat <<'END'

To go on:
  build/release/tandem check -c examples/web-fleet.toml    what a configuration file says, and what is wrong with it
  build/release/tandem run   -c examples/web-fleet.toml    serve
  README.md                                                the two-minute tour
END
