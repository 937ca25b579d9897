#!/usr/bin/env bash
# Builds and runs the tests of the C host that need no server.
set -euo pipefail
cd "$(dirname "$0")"
PG_CONFIG=${PG_CONFIG:-pg_config}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() {
    local program=$1
    shift
    gcc -std=gnu11 -O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing \
        -Wall -Werror -D_GNU_SOURCE -I../src -I"$("$PG_CONFIG" --includedir-server)" \
        "$@" -o "$work/$program" \
        -L"$("$PG_CONFIG" --pkglibdir)" -L"$("$PG_CONFIG" --libdir)" -lpgcommon -lpgport -lcrypto -lm
}

# Each of these calls of the system goes through the test.
through() { printf -- '-Wl,--wrap=%s ' "$@"; }

build wire_test wire_test.c ../src/frame.c ../src/auth.c ../src/store.c $(through fsync read renameat)
"$work/wire_test" "$work"
build handshake_test handshake_test.c ../fuzz/host.c ../src/net_handshake.c ../src/auth.c $(through errstart)
"$work/handshake_test" "$work" "$PWD/goldens"
build golden_test golden_test.c ../src/frame.c ../src/auth.c ../src/store.c ../src/marker.c ../src/identity.c ../src/files.c
"$work/golden_test" "$work" "$PWD/goldens"
build sync_test sync_test.c ../src/sync.c
"$work/sync_test"
build rounds_test rounds_test.c
"$work/rounds_test"
build disk_test disk_test.c $(through open pwrite fdatasync nanosleep)
"$work/disk_test" "$work"
build tool_test tool_test.c ../fuzz/host.c ../src/tool.c
# What it waits for in vain would never end.
timeout 60 "$work/tool_test" "$work"
