#!/usr/bin/env bash
# The checks, for people and for CI: .ci/check.sh STEP
#
#   fmt    formatting
#   lint   clippy, the features one by one, other targets where their std is installed, MSRV where its toolchain is
#   test   all tests, debug; those that need release besides
#   doc    rustdoc without warnings, links included
#   book   the book, into target/book
#   all    the five above
#   ecosystem  the programs with other people's crates: clippy, their tests
#   storm  two processes on loopback: many connections, no descriptors left, slow peers; and a day of virtual time
#   bench  the package that measures: clippy, its tests, a few workloads in small
#   deep   what takes longer or needs more than stable Rust: Miri, AddressSanitizer, the whole suite in release, bench
#
# A check whose tool is absent is skipped by name, loudly, and listed again at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

# Two packages build much of other people's: tokio and its like, which `bench` does, and what `ecosystem` does.
light=(--workspace --exclude taskgroup-benches --exclude taskgroup-ecosystem)

skipped=()
skip() {
    skipped+=("$1: $2")
    printf '\nSKIPPED %s: %s\n\n' "$1" "$2"
}

run() {
    printf '\n== %s\n' "$*"
    "$@"
}

fmt() {
    run cargo fmt --all --check
}

lint() {
    # With all features at once: none takes code away (runtime's `no_reactor` is in the last of these).
    run cargo clippy "${light[@]}" --all-targets --features anyhow,plain,tracing --quiet -- -D warnings
    run cargo clippy -p taskgroup --quiet -- -D warnings # the crate as it is by default
    run cargo clippy -p taskgroup --no-default-features --quiet -- -D warnings
    local msrv=1.88.0
    if rustup toolchain list 2>/dev/null | grep -q "^$msrv-"; then
        CARGO_TARGET_DIR=target/msrv run cargo "+$msrv" check "${light[@]}" --all-targets --quiet
    else
        skip "msrv" "Rust $msrv is not installed (rustup toolchain install $msrv)"
    fi
    local target
    for target in aarch64-apple-darwin x86_64-unknown-freebsd; do
        if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
            run cargo check "${light[@]}" --quiet --target "$target"
        else
            skip "check for $target" "its std is not installed (rustup target add $target)"
        fi
    done
    no_unsafe_elsewhere
    faults_apply
}

# A seeded fault must fit the code that it is seeded into: `.ci/faults.sh` runs them.
faults_apply() {
    local fault lost=()
    for fault in tests/faults/*.patch; do
        git apply --check "$fault" 2>/dev/null || lost+=("$fault")
    done
    if [ ${#lost[@]} -gt 0 ]; then
        printf 'does not apply any more: %s\n' "${lost[@]}"
        return 1
    fi
}

# `unsafe` has two addresses, and one in the book. Clippy's lint says the same; this says it in one line, doctests and
# macros included.
no_unsafe_elsewhere() {
    local found
    found=$(grep -rnE '\bunsafe (\{|fn|impl|trait)' --include='*.rs' timer runtime taskgroup examples tests |
        grep -vE '^(runtime/src/(reactor|raw)|examples/book/watched).rs:' || true)
    if [ -n "$found" ]; then
        printf 'unsafe outside runtime/src/reactor.rs, runtime/src/raw.rs and examples/book/watched.rs:\n%s\n' "$found"
        return 1
    fi
}

test_() {
    run cargo test --quiet
    run cargo test --quiet --features anyhow,tracing --test errors --test exception_groups --test spans
    run cargo test --quiet -p taskgroup-runtime --features blocking,process --test process --test signal --test tree_report \
        --test unblock --lib
    run cargo test --quiet -p taskgroup-runtime --features blocking,process --doc
    run cargo test --quiet -p taskgroup --features blocking,inspect,process --doc
    run cargo test --quiet --release -p taskgroup --test depth
}

doc() {
    RUSTDOCFLAGS="-D warnings" run cargo doc "${light[@]}" --no-deps --quiet
}

book() {
    if command -v mdbook >/dev/null; then
        run mdbook build docs
    else
        skip "book" "mdbook is not installed (cargo install mdbook --locked)"
    fi
}

ecosystem() {
    run cargo clippy --package taskgroup-ecosystem --all-targets --quiet -- -D warnings
    run cargo test --package taskgroup-ecosystem --quiet
}

storm() {
    run cargo clippy --package taskgroup-storm --all-targets --quiet -- -D warnings
    run cargo test --package taskgroup-storm --quiet
    run cargo build --release --quiet --bin echo --bin httpd
    run cargo run --package taskgroup-storm --release --quiet -- "$@"
}

bench() {
    run cargo clippy --package taskgroup-benches --all-targets --quiet -- -D warnings
    run cargo test --package taskgroup-benches --quiet
    run cargo run --package taskgroup-benches --release --quiet -- --quick --repeats 1 --only timeout,tree,idle
}

# Every subset of a crate's features compiles without a warning.
powerset() {
    local crate=$1 subset name
    shift
    local features=("$@")
    for ((subset = 0; subset < 1 << ${#features[@]}; subset++)); do
        name=""
        for ((bit = 0; bit < ${#features[@]}; bit++)); do
            if ((subset >> bit & 1)); then name+="${features[bit]},"; fi
        done
        RUSTFLAGS="-D warnings" cargo check --quiet --target-dir target/powerset -p "$crate" --no-default-features \
            --features "$name" || { printf 'with the features %s of %s\n' "${name:-(none)}" "$crate"; return 1; }
    done
    printf '\n== %s: all %d subsets of its features compile\n' "$crate" $((1 << ${#features[@]}))
}

deep() {
    powerset taskgroup-runtime blocking net plain process signal
    powerset taskgroup anyhow blocking inspect net plain process signal trace tracing
    run cargo run --quiet --profile abort --bin tour
    run cargo run --quiet --profile abort --bin supervisor -- --seed 3
    run cargo test --quiet --release
    run cargo test --quiet --features plain
    run cargo test --quiet -p taskgroup-runtime --features plain
    run cargo run --release --quiet -p taskgroup-sweep -- deep
    if ! rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
        skip "miri, asan, error codes of doctests" "no nightly toolchain (rustup toolchain install nightly)"
        return
    fi
    run cargo +nightly test --quiet --doc
    if cargo +nightly miri --version >/dev/null 2>&1; then
        MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks" run cargo +nightly miri test --quiet --test soundness
        MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-tree-borrows" \
            run cargo +nightly miri test --quiet --test soundness
        MIRIFLAGS="-Zmiri-disable-isolation" run cargo +nightly miri test --quiet -p taskgroup-runtime \
            --test drops --test tasks
        MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-strict-provenance" run cargo +nightly miri test --quiet \
            -p taskgroup-runtime --test waker --lib raw
    else
        skip "miri" "the component is not installed (rustup component add miri --toolchain nightly)"
    fi
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=0 \
        run cargo +nightly test --quiet --target "$host" --target-dir target/asan --tests
}

case "${1:-all}" in
    fmt) fmt ;;
    lint) lint ;;
    test) test_ ;;
    doc) doc ;;
    book) book ;;
    ecosystem) ecosystem ;;
    storm) storm "${@:2}" ;;
    bench) bench ;;
    all) fmt; lint; test_; doc; book ;;
    deep) fmt; lint; test_; doc; book; ecosystem; deep; storm; bench ;;
    *) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

if [ ${#skipped[@]} -gt 0 ]; then
    printf '\nskipped here:\n'
    printf '  %s\n' "${skipped[@]}"
fi
printf '\n%s: passed\n' "${1:-all}"
