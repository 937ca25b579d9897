#!/usr/bin/env bash
# Builds the fuzz targets with clang's libFuzzer and runs each for a while, beginning with the inputs in corpus/.
# Usage: run.sh WORK_DIRECTORY GENERATED_C INPUTS SECONDS_FOR_EACH [TARGET...]
# INPUTS holds what ./dev trace fuzz-inputs wrote: lives, and inputs that are as they should be.
# What it finds stays in WORK_DIRECTORY/TARGET-found-*; new inputs that reach new code in WORK_DIRECTORY/TARGET.
set -euo pipefail
work=$1 generated=$2 inputs=$3 seconds=$4
shift 4
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(frame handshake actions files events)
cd "$(dirname "$0")"
PG_CONFIG=${PG_CONFIG:-pg_config}
CLANG=${CLANG:-clang}
mkdir -p "$work"

host_flags=(-std=gnu11 -O1 -g -fwrapv -fno-strict-aliasing -Wall -Wno-unused-function -Werror -D_GNU_SOURCE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -I. -I../src
    -isystem "$("$PG_CONFIG" --includedir-server)")
libraries=(-L"$("$PG_CONFIG" --pkglibdir)" -L"$("$PG_CONFIG" --libdir)" -lpgcommon -lpgport -lcrypto -lm)

# The generated code takes a minute to compile: only when it is another.
core_object() {
    local key
    key=$(cat "$generated/KEY" ../src/pgr_core.[ch] core.c | sha256sum)
    [ "$(cat "$work/core.KEY" 2>/dev/null)" = "$key" ] && return
    nice "$CLANG" -std=gnu11 -O1 -fwrapv -fno-strict-aliasing -w -fsanitize=fuzzer-no-link \
        -iquote "$generated" -c "$generated/all.c" -o "$work/generated.o"
    nice "$CLANG" -std=gnu11 -O1 -g -fwrapv -fsanitize=fuzzer-no-link -I../src -c ../src/pgr_core.c -o "$work/pgr_core.o"
    nice "$CLANG" -std=gnu11 -O1 -g -fwrapv -fsanitize=fuzzer-no-link -Wall -Wextra -Werror -I../src -c core.c -o "$work/core.o"
    echo "$key" >"$work/core.KEY"
}

build() {
    local target=$1
    local with_core=("$work/core.o" "$work/pgr_core.o" "$work/generated.o")
    case $target in
        frame) set -- frame.c host.c ../src/frame.c ../src/auth.c ;;
        handshake) set -- handshake.c host.c ../src/net_handshake.c ../src/auth.c ;;
        actions) set -- actions.c host.c ../src/border.c ;;
        files) core_object; set -- files.c host.c ../src/border.c "${with_core[@]}" ;;
        events) core_object; set -- events.c "${with_core[@]}" ;;
        *) echo "no target $target" >&2; exit 2 ;;
    esac
    nice "$CLANG" "${host_flags[@]}" -fsanitize=fuzzer "$@" -o "$work/$target.fuzz" "${libraries[@]}"
}

status=0
for target in "${targets[@]}"; do
    build "$target"
    # What this run finds new goes into the first of its directories.
    directories=("$work/$target")
    for known in "corpus/$target" "$inputs/$target"; do
        [ ! -d "$known" ] || directories+=("$known")
    done
    mkdir -p "$work/$target"
    log=$work/$target.log
    if PGR_FUZZ_LIVES=$inputs/lives nice "$work/$target.fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -max_len=65536 -print_final_stats=1 -artifact_prefix="$work/$target-found-" \
        "${directories[@]}" >"$log" 2>&1
    then
        awk -v target="$target" '/number_of_executed_units/ {runs = $2} /cov: / {for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1)}
            END {printf "   %s: %d inputs, %d branches reached, nothing found\n", target, runs, cov}' "$log"
    else
        echo "FAILED fuzz target $target; the input is in $work/$target-found-*:" >&2
        tail -40 "$log" >&2
        status=1
    fi
done
exit $status
