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
#   deep   all of these, and what takes longer or needs more than stable Rust, each of which is a step too:
#          powerset, variants (release, no `unsafe`, panic = abort), models (loom), faults (seeded), miri, asan (and
#          leaks), tsan, valgrind, fuzz, coverage, mutants, deny
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

# shellcheck source=.ci/deep.sh
. .ci/deep.sh

deep() {
    powerset
    variants
    models
    faults
    miri
    asan
    tsan
    valgrind_
    fuzz
    coverage
    mutants
    deny
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
    powerset | variants | models | faults | miri | asan | tsan | fuzz | coverage | mutants | deny) "$1" ;;
    valgrind) valgrind_ ;;
    deep) fmt; lint; test_; doc; book; ecosystem; deep; storm; bench ;;
    *) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

if [ ${#skipped[@]} -gt 0 ]; then
    printf '\nskipped here:\n'
    printf '  %s\n' "${skipped[@]}"
fi
printf '\n%s: passed\n' "${1:-all}"
