#!/usr/bin/env bash
# Builds and runs the tests of the C host that need no server.
set -euo pipefail
cd "$(dirname "$0")"
PG_CONFIG=${PG_CONFIG:-pg_config}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

gcc -std=gnu11 -O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined -fwrapv -fno-strict-aliasing \
    -Wall -Werror -D_GNU_SOURCE -I../src -I"$("$PG_CONFIG" --includedir-server)" \
    wire_test.c ../src/frame.c ../src/auth.c ../src/store.c -o "$work/wire_test" \
    -L"$("$PG_CONFIG" --pkglibdir)" -L"$("$PG_CONFIG" --libdir)" -lpgcommon -lpgport -lcrypto -lm
"$work/wire_test" "$work"
