#!/usr/bin/env bash
# Installs what testing needs, builds everything and runs every test. ./test.sh --help tells how to run a part.
set -euo pipefail
cd "$(dirname "$0")"

# shellcheck source=.ci/packages.sh
source .ci/packages.sh

readonly THREADED="net metrics lb vrrp peer healthcheck admin app"
readonly ALL_PHASES="packages format scripts release unit headers asan tsan fuzz tidy integration"
readonly LOGS=build/logs RESULTS=build/results
readonly FUZZ_SECONDS=${FUZZ_SECONDS:-20}
jobs=$(nproc)
readonly jobs

usage() {
  cat <<END
usage: ./test.sh [--only PHASE,...]

Phases, in their order:
  packages     install what is missing (apt, with sudo when not root)
  format       clang-format finds nothing to change
  scripts      shellcheck finds nothing wrong
  release      build/release/tandem
  unit         dev build with warnings as errors; unit and loopback tests; include direction
  headers      every header compiles by itself
  asan         the same tests under AddressSanitizer and UndefinedBehaviorSanitizer
  tsan         the tests of all folders with threads under ThreadSanitizer
  fuzz         each libFuzzer target for $FUZZ_SECONDS s (FUZZ_SECONDS=N for longer)
  tidy         clang-tidy over the program; files that were clean and have not changed since are not looked at again
  integration  real systems: Patroni with PostgreSQL and etcd, nginx, HAProxy, Prometheus, keepalived; needs release and unit

Everything goes to build/; logs to $LOGS. Nothing of what runs on this machine is touched: the tests start their own
servers on free ports of loopback addresses, in temporary directories.
END
}

phases=$ALL_PHASES
while (($#)); do
  case "$1" in
    --only) phases=${2:?--only needs phases}; phases=${phases//,/ }; shift 2 ;;
    --only=*) phases=${1#--only=}; phases=${phases//,/ }; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
for phase in $phases; do
  if [[ " $ALL_PHASES " != *" $phase "* ]]; then
    echo "no such phase: $phase; there are: $ALL_PHASES" >&2
    exit 2
  fi
done

mkdir -p "$LOGS" "$RESULTS"
rm -f "$RESULTS"/*
skips=()

skip() {
  skips+=("$1: $2")
  echo "skipped: $2"
}

# Runs the phase's function with its output in a log; on failure shows the log's end and stops everything.
run_phase() {
  local phase=$1 start=$SECONDS log=$LOGS/$1.log
  printf '\n== %s\n' "$phase"
  if ! "phase_$phase" "$log"; then
    printf '\n!! %s failed after %d s. The end of %s:\n\n' "$phase" $((SECONDS - start)) "$log"
    tail -n 100 "$log"
    printf '\n!! failed phase: %s; whole log: %s\n' "$phase" "$log"
    exit 1
  fi
  printf -- '-- %s: %d s, %d s so far\n' "$phase" $((SECONDS - start)) "$SECONDS"
}

# A phase function is called as a condition, which turns `set -e` off inside: hence the && chains.

phase_packages() {
  # shellcheck disable=SC2046  # one word per package
  update_package_lists >"$1" 2>&1 &&
    install_missing $(build_packages) $(test_packages) 2>&1 | tee -a "$1" | grep -E '^(All packages|Going to|These packages|No apt)' &&
    [[ ${PIPESTATUS[0]} == 0 ]] &&
    if grep -q '^Going to install' "$1"; then
      echo "Some of these packages start services of their own (PostgreSQL, nginx, HAProxy, etcd, Prometheus, FRR)."
      echo "The tests do not use them, and do not stop them."
    fi
}

sources() { git ls-files --cached --others --exclude-standard -- '*.cpp' '*.hpp'; }

clang_is_14() { "$1" --version | grep -q 'version 14\.'; }

phase_format() {
  if ! clang_is_14 clang-format; then
    skip format "clang-format here is not version 14, and each version formats differently"
    return
  fi
  sources | xargs clang-format --dry-run --Werror >"$1" 2>&1 && echo "$(sources | wc -l) files"
}

phase_scripts() {
  if ! command -v shellcheck >/dev/null; then
    skip scripts "shellcheck is not installed"
    return
  fi
  shellcheck -x quickstart.sh test.sh .ci/run .ci/packages.sh bench/failover.sh >"$1" 2>&1 && echo "5 files"
}

# build PRESET LOG [TARGET...]
build() {
  local preset=$1 log=$2 targets=("${@:3}")
  cmake --preset "$preset" >>"$log" 2>&1 &&
    cmake --build --preset "$preset" ${targets[@]+--target "${targets[@]}"} >>"$log" 2>&1
}

# test_with PRESET LOG [ctest option...]: results as JUnit XML, ctest's summary on the terminal.
test_with() {
  local preset=$1 log=$2 name
  name=$(basename "$log" .log)
  ctest --preset "$preset" --output-junit "$PWD/$RESULTS/$name.xml" --test-output-size-passed 1000000 "${@:3}" >>"$log" 2>&1
  local status=$?
  sed -n '/^100% tests passed\|tests passed,/,$p' "$log"
  return $status
}

phase_release() { : >"$1" && build release "$1" && build/release/tandem version; }

phase_unit() { : >"$1" && build dev "$1" && test_with dev "$1" -LE integration -j "$jobs"; }

phase_headers() { : >"$1" && build dev "$1" all_verify_interface_header_sets; }

phase_asan() { : >"$1" && build asan "$1" && test_with asan "$1" -LE integration -j "$jobs"; }

# base and config have no threads: nothing to find there.
phase_tsan() {
  local folder targets=()
  for folder in $THREADED; do
    targets+=("${folder}_tests")
  done
  : >"$1" && build tsan "$1" "${targets[@]}" && test_with tsan "$1" -R "^(${THREADED// /|}): " -j "$jobs"
}

phase_fuzz() {
  if ! command -v clang++ >/dev/null; then
    skip fuzz "clang++ is not installed"
    return
  fi
  : >"$1" && cmake --preset fuzz -DTANDEM_FUZZ_SECONDS="$FUZZ_SECONDS" >>"$1" 2>&1 && build fuzz "$1" fuzz && test_with fuzz "$1" -j "$jobs"
}

phase_tidy() {
  if ! command -v clang-tidy >/dev/null || ! clang_is_14 clang-tidy; then
    skip tidy "clang-tidy here is not version 14, for which the checks were chosen"
    return
  fi
  : >"$1" && { [[ -f build/dev/compile_commands.json ]] || cmake --preset dev >>"$1" 2>&1; } &&
    python3 -B .ci/tidy.py build/dev build/tidy >>"$1" 2>&1 && tail -n 1 "$1"
}

phase_integration() {
  if [[ ! -x build/release/tandem ]]; then
    echo "build/release/tandem is not there; run the phase release first" >"$1"
    return 1
  fi
  : >"$1" && build dev "$1" integration_load integration_asker && test_with dev "$1" -L integration --verbose
  local status=$?
  grep -o 'figure: .*' "$1" || true
  return $status
}

for phase in $phases; do
  run_phase "$phase"
done

printf '\n== what ran (%d s in all)\n' "$SECONDS"
for line in "${skips[@]+"${skips[@]}"}"; do
  echo "skipped $line"
done
python3 -B .ci/summary.py "$RESULTS"
