# What building and testing need, as Debian and Ubuntu package it. Sourced by quickstart.sh and test.sh.
# shellcheck shell=bash

# A package that this release offers, the first of the given ones; nothing when it has none of them.
first_available() {
  local package candidate
  for package in "$@"; do
    candidate=$(apt-cache policy "$package" 2>/dev/null | awk '/Candidate:/ { print $2 }')
    if [[ -n $candidate && $candidate != "(none)" ]]; then
      echo "$package"
      return
    fi
  done
}

# Boost from 1.81 on: Debian 12's default is 1.74, but it offers 1.81 beside it.
boost_packages() {
  local version
  version=$(apt-cache policy libboost-dev 2>/dev/null | awk '/Candidate:/ { print $2 }')
  if [[ -n $version && $version != "(none)" ]] && dpkg --compare-versions "$version" ge 1.81; then
    echo libboost-dev libboost-json-dev
  else
    echo libboost1.81-dev libboost-json1.81-dev
  fi
}

build_packages() {
  echo cmake ninja-build g++ ccache pkg-config libssl-dev libtomlplusplus-dev prometheus-cpp-dev doctest-dev libcli11-dev \
    libspdlog-dev
  boost_packages
}

test_packages() {
  echo clang clang-tidy clang-format lld python3 curl jq iproute2 util-linux strace \
    postgresql patroni python3-etcd etcd-server etcd-client nginx-light haproxy prometheus shellcheck \
    keepalived frr nftables tcpdump tshark
  first_available libclang-rt-dev libclang-rt-14-dev libclang-rt-18-dev
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_missing PACKAGE...: says what it is going to install, and does nothing when everything is there.
install_missing() {
  local package missing=() as_root=()
  if ! command -v apt-get >/dev/null; then
    echo "No apt-get here. Please install what these Debian packages hold: $*"
    return
  fi
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    echo "All packages are installed."
    return
  fi
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing, and there is no sudo to install them with: ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Going to install with apt-get: ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# Fresh images have no package lists at all.
update_package_lists() {
  command -v apt-get >/dev/null || return 0
  if [[ -z $(first_available ninja-build) ]]; then
    if ((EUID == 0)); then apt-get update -qq; else sudo apt-get update -qq; fi
  fi
}
