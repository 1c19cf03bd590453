#!/usr/bin/env bash
# From a fresh Debian 12 or Ubuntu 24.04 to a running balancer: installs what building needs, builds, runs the demo.
set -euo pipefail
cd "$(dirname "$0")"

case "${1:-}" in
  "") ;;
  -h | --help)
    echo "usage: ./quickstart.sh"
    echo "Installs the packages that building Tandem needs (apt, with sudo when you are not root), builds"
    echo "build/release/tandem and runs 'tandem demo': three backends, a client, and a primary that is killed."
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
build/release/tandem demo

cat <<'END'

That was the demo. To go on:
  build/release/tandem check -c examples/web-fleet.toml    what a configuration file says, and what is wrong with it
  build/release/tandem run   -c examples/web-fleet.toml    serve
  README.md                                                the two-minute tour
END
