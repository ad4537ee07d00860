# The checks that take longer, or more than stable Rust. Part of check.sh, which says how to call them.
#
# Each is a step of its own, and skips by name what the machine has not got. Those that build in another way keep to a
# folder of their own below target/.

nightly() {
    if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then return; fi
    skip "$1" "no nightly toolchain (rustup toolchain install nightly)"
    return 1
}

# tool STEP COMMAND: whether `cargo COMMAND` is installed.
tool() {
    if cargo "$2" --version >/dev/null 2>&1; then return; fi
    skip "$1" "cargo-$2 is not installed (cargo install cargo-$2 --locked)"
    return 1
}

host() { rustc -vV | sed -n 's/^host: //p'; }

# Wakes from other threads, in every order of steps: loom over the runtime itself. Optimized, as there are many orders.
models() {
    RUSTFLAGS="--cfg taskgroup_loom --cfg loom" CARGO_PROFILE_TEST_OPT_LEVEL=2 CARGO_PROFILE_DEV_OPT_LEVEL=2 \
        CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0 \
        run cargo test --quiet --target-dir target/models -p taskgroup-models -- --test-threads 1
}

faults() {
    run .ci/faults.sh
}

# What is `unsafe`, or forgets futures, or crosses threads: under both models of aliasing, and in several orders.
miri() {
    nightly miri || return 0
    if ! cargo +nightly miri --version >/dev/null 2>&1; then
        skip "miri" "the component is not installed (rustup component add miri rust-src --toolchain nightly)"
        return
    fi
    local aliasing flags seeds=${MIRI_SEEDS:-4}
    for aliasing in "" -Zmiri-tree-borrows; do
        flags="-Zmiri-disable-isolation -Zmiri-strict-provenance $aliasing"
        # These tests forget futures, on purpose: what is in them is not freed.
        MIRIFLAGS="$flags -Zmiri-ignore-leaks" run cargo +nightly miri test --quiet --test soundness
        MIRIFLAGS="$flags" run cargo +nightly miri test --quiet -p taskgroup-runtime --test drops --test tasks
        MIRIFLAGS="$flags -Zmiri-many-seeds=0..$seeds" run cargo +nightly miri test --quiet -p taskgroup-runtime \
            --test waker --lib raw
    done
}

# Leaks are looked for too. Left out of that are the tests that forget a future in order to see that this is sound, and
# so leak it.
asan() {
    nightly asan || return 0
    local forgetful=(forgotten is_left_out_may_panic program_that_leaves_something)
    RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=1 \
        run cargo +nightly test --quiet --target "$(host)" --target-dir target/asan --tests -- "${forgetful[@]/#/--skip=}"
    RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=0 \
        run cargo +nightly test --quiet --target "$(host)" --target-dir target/asan --tests -- "${forgetful[@]}"
}

# What has threads. Their std is built along: a race is seen only where all code is instrumented.
tsan() {
    nightly tsan || return 0
    if [ ! -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
        skip "tsan" "the sources of std are not installed (rustup component add rust-src --toolchain nightly)"
        return
    fi
    RUSTFLAGS="-Zsanitizer=thread" CARGO_PROFILE_TEST_DEBUG=line-tables-only \
        run cargo +nightly test --quiet -Zbuild-std --target "$(host)" --target-dir target/tsan \
        -p taskgroup-runtime --features blocking --lib --test waker --test wake --test unblock --test embed
}

# Memory that is lost for good, and descriptors that are open at the end, in a few test programs as they are.
valgrind_() {
    if ! command -v valgrind >/dev/null; then
        skip "valgrind" "it is not installed"
        return
    fi
    local programs program
    programs=$(cargo test --no-run -p taskgroup-timer -p taskgroup-runtime --test model --test waker \
        --test drops --test tasks --message-format json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | sort -u)
    for program in $programs; do
        run valgrind --quiet --fair-sched=try --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
            --show-leak-kinds=definite --track-fds=yes "$program" --quiet --test-threads 1
    done
}

# Each target for a while: FUZZ_RUNS executions, or FUZZ_SECONDS, whatever comes first.
fuzz() {
    nightly fuzz || return 0
    tool fuzz fuzz || return 0
    local target
    for target in $(cd fuzz && cargo +nightly fuzz list); do
        run cargo +nightly fuzz run "$target" -- -runs="${FUZZ_RUNS:-1000000}" -max_total_time="${FUZZ_SECONDS:-120}" \
            -timeout=10 -rss_limit_mb=2048
    done
}

# Lines of the libraries that some test reaches: 95 of 100, or it fails.
coverage() {
    tool coverage llvm-cov || return 0
    run cargo llvm-cov --quiet --summary-only --fail-under-lines 95 --ignore-filename-regex '(examples|tests|benches)/' \
        -p taskgroup-examples -p taskgroup-timer -p taskgroup-runtime -p taskgroup \
        --features taskgroup/blocking,taskgroup/inspect,taskgroup/process
}

# Each change that breaks the code must break a test. The list of those that do not, and why, is in docs/RELIABILITY.md.
mutants() {
    tool mutants mutants || return 0
    run cargo mutants --package taskgroup-timer --no-shuffle --output target/mutants/timer
    run cargo mutants --package taskgroup-runtime --no-shuffle --output target/mutants/wake \
        --file runtime/src/remote.rs --file runtime/src/remote/sent.rs --file runtime/src/waker.rs \
        --file runtime/src/wakeup.rs --file runtime/src/raw.rs --file runtime/src/ready.rs --file runtime/src/slots.rs
    run cargo mutants --package taskgroup --no-shuffle --output target/mutants/groups --test-workspace=true \
        --file taskgroup/src/ledger.rs --file taskgroup/src/failures.rs --file taskgroup/src/join.rs \
        --file taskgroup/src/scope.rs --file 'taskgroup/src/tree/*.rs'
}

# Licences, sources and versions of what the crates depend on. Not advisories: they are fetched from elsewhere.
deny() {
    tool deny deny || return 0
    run cargo deny --workspace check licenses bans sources
}

# Every subset of a crate's features compiles without a warning.
subsets_of() {
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

powerset() {
    subsets_of taskgroup-runtime blocking net plain process signal
    subsets_of taskgroup anyhow blocking inspect net plain process signal trace tracing
}

# The suite again: optimized, without `unsafe`; two programs where a panic ends the process; the sweep with pairs.
variants() {
    run cargo run --quiet --profile abort --bin tour
    run cargo run --quiet --profile abort --bin supervisor -- --seed 3
    run cargo test --quiet --release
    run cargo test --quiet --features plain
    run cargo test --quiet -p taskgroup-runtime --features plain
    run cargo run --release --quiet -p taskgroup-sweep -- deep
    if nightly "error codes of doctests"; then run cargo +nightly test --quiet --doc; fi
}
