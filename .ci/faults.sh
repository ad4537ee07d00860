#!/usr/bin/env bash
# Seeded faults: puts each bug of tests/faults/*.patch into a copy of the tree and wants its test to fail.
#
#   .ci/faults.sh            all of them
#   .ci/faults.sh A1 G       those whose file name begins so
#
# A patch begins with four lines, then the diff:
#   Bug:    where such a bug was seen (owner/repo#N), and what it did
#   Fault:  what the patch does here
#   Test:   the arguments of `cargo test` that run the test
#   Caught: the name of the test that must fail ("the compiler": the build must; "a hang": the run must not end)
# and may have
#   Env:    what to set in the environment of both, such as RUSTFLAGS="--cfg x"
set -euo pipefail
cd "$(dirname "$0")/.."

here=$PWD
home=${FAULTS_DIR:-$here/target/faults}
tree=$home/tree
log=$home/log
export CARGO_TARGET_DIR=$home/build CARGO_PROFILE_TEST_DEBUG=0 CARGO_PROFILE_DEV_DEBUG=0 RUST_BACKTRACE=0
patience=${FAULTS_PATIENCE:-180} # seconds a test with its fault may run

mkdir -p "$tree" "$log"
# The tree as it is now, uncommitted changes too. A file is written only where it differs, so that its time is that of
# its last change here: a file put back with its old time would pass for built.
git ls-files -co --exclude-standard >"$home/files"
while IFS= read -r file; do
    [ -f "$file" ] || continue
    cmp -s "$file" "$tree/$file" || { mkdir -p "$tree/$(dirname "$file")"; cp "$file" "$tree/$file"; }
done <"$home/files"
(cd "$tree" && find . -type f | sed 's|^\./||') | sort | comm -13 <(sort "$home/files") - | (cd "$tree" && xargs -r rm -f)
cd "$tree"

field() { sed -n "s/^$2: *//p" "$1" | head -1; }

patches=()
for patch in "$here"/tests/faults/*.patch; do
    name=$(basename "$patch" .patch)
    if [ $# -eq 0 ]; then patches+=("$patch"); continue; fi
    for wanted in "$@"; do
        if [[ $name == "$wanted"* ]]; then patches+=("$patch"); break; fi
    done
done
[ ${#patches[@]} -gt 0 ] || { echo "no patch begins with: $*"; exit 2; }

escaped=()
number=0
for patch in "${patches[@]}"; do
    number=$((number + 1))
    name=$(basename "$patch" .patch)
    args=$(field "$patch" Test)
    caught=$(field "$patch" Caught)
    for key in Bug Fault Test Caught; do
        [ -n "$(field "$patch" $key)" ] || { echo "$name: no line \"$key:\""; exit 2; }
    done
    env=()
    # Built elsewhere: other flags would have all built anew, and the next patch again.
    if [ -n "$(field "$patch" Env)" ]; then eval "env=(CARGO_TARGET_DIR=\$home/env $(field "$patch" Env))"; fi
    since=$SECONDS
    verdict=""
    if ! patch -p1 --quiet --forward --batch --dry-run <"$patch" >"$log/$name" 2>&1; then
        verdict="does not apply"
    else
        patch -p1 --quiet --forward --batch <"$patch"
    fi
    if [ -z "$verdict" ]; then
        # shellcheck disable=SC2086 # several arguments
        if ! env "${env[@]}" cargo test --quiet --no-run $args >"$log/$name" 2>&1; then
            verdict=$([ "$caught" = "the compiler" ] && echo caught || echo "does not compile")
        else
            filter=$caught
            if [ "$caught" = "a hang" ]; then filter=""; fi
            status=0
            # shellcheck disable=SC2086
            timeout -k 5 "$patience" env "${env[@]}" cargo test --no-fail-fast $args -- ${filter:+"$filter"} >"$log/$name" 2>&1 || status=$?
            if [ "$status" -eq 0 ]; then verdict="NOT CAUGHT"
            elif [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
                verdict=$([ "$caught" = "a hang" ] && echo caught || echo "hangs")
            elif grep -qE "^test .*$caught.*(FAILED|panicked)|^test .*$caught.* \.\.\. *$|^---- .*$caught.* stdout|signal: 6" "$log/$name"; then
                verdict=caught
            else verdict="something else failed"
            fi
        fi
        patch -p1 --quiet --reverse --batch <"$patch" >/dev/null
    fi
    [ "$verdict" = caught ] || escaped+=("$name: $verdict, see $log/$name")
    printf '%3d/%d  %-14s %4d s  %s\n' "$number" "${#patches[@]}" "$verdict" $((SECONDS - since)) "$name"
done

printf '\n%d of %d faults were caught\n' $((${#patches[@]} - ${#escaped[@]})) ${#patches[@]}
if [ ${#escaped[@]} -gt 0 ]; then
    printf '  %s\n' "${escaped[@]}"
    exit 1
fi
