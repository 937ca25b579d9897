# Part of ./dev: Java to bytecode, bytecode to C, C to one library for each server; and the release.

# True when something the Java build reads is newer than its last success.
java_is_stale() {
    [ -f "$BUILD/java.done" ] || return 0
    [ -n "$(find pom.xml ./*/pom.xml core codec entry simulator harness cluster-tests \
        \( -name target -o -name .jqwik-database \) -prune -o -type f -newer "$BUILD/java.done" -print -quit)" ]
}

build_java() {
    java_is_stale || return 0
    say "compiling Java"
    mkdir -p "$BUILD"
    touch "$BUILD/java.started"
    quiet_maven process-classes dependency:build-classpath \
        -Dmdep.outputFile=target/classpath -Dmdep.includeScope=runtime
    mv "$BUILD/java.started" "$BUILD/java.done"
}

# What decides the generated C: the bytecode, the way TeaVM is run, and our changes to what it writes.
generated_key() {
    { find core/target/classes codec/target/classes entry/target/classes -name '*.class' -print0 2>/dev/null \
          | LC_ALL=C sort -z | xargs -0 sha256sum
      sha256sum pom.xml entry/pom.xml tools/GeneratedCode.java tools/notice/*
      echo "$1"
    } | sha256sum | cut -d' ' -f1
}

# Java to C, into the directory $1; $2 says whether the heap verifier is compiled in.
build_generated() {
    local out=$1 verify=$2 key
    key=$(generated_key "$verify")
    [ "$(cat "$out/KEY" 2>/dev/null)" = "$key" ] && return
    say "translating Java to C (${out#"$ROOT/"})"
    rm -rf "$out"
    quiet_maven -P native -pl core,codec,entry -Dteavm.output="$out" -Dteavm.verify="$verify" process-classes
    "$JAVA_HOME/bin/java" tools/GeneratedCode.java "$out"
    cp tools/notice/* "$out"
    echo "$key" >"$out/KEY"
}

# The compiler that server wants whose pg_config is $1: one of another Debian brings what knows its libraries.
compiler_for() {
    if [ "$1" != "$PG_CONFIG" ] && [ -x "${1%/*}/cc" ]; then echo "${1%/*}/cc"; else echo gcc; fi
}

# make in the directory $1 for the server whose pg_config is $2; from $SOURCES, if they are not ours.
make_extension() {
    local out=$1 pg_config=$2
    shift 2
    [ "$(compiler_for "$pg_config")" = gcc ] || set -- CC="$(compiler_for "$pg_config")" "$@"
    nice make -s -C "$out/extension" -f "${SOURCES:-$ROOT/extension}/Makefile" PG_CONFIG="$pg_config" \
        GENERATED="$BUILD/generated" WERROR=-Werror "$@"
}

# The extension for the server whose pg_config is $2, into the directory $1.
build_extension() {
    local out=$1 pg_config=$2 server
    server=$("$pg_config" --version)
    [ "$(cat "$out/SERVER" 2>/dev/null)" = "$server" ] || rm -rf "$out"/extension/src
    mkdir -p "$out/extension"
    echo "$server" >"$out/SERVER"
    if ! make_extension "$out" "$pg_config" -q all; then
        say "compiling C for $server"
        make_extension "$out" "$pg_config" all
    fi
    cp extension/pg_replica.control extension/sql/*.sql "$out"
    # A server that has the old one mapped keeps it.
    cp "$out/extension/pg_replica.so" "$out/pg_replica.so.new"
    mv -f "$out/pg_replica.so.new" "$out/pg_replica.so"
}

# Two commands at a time take turns here.
build() {
    need_java
    need_c
    mkdir -p "$BUILD"
    (
        flock 9
        build_java
        build_generated "$BUILD/generated" false
        build_extension "$BUILD" "$PG_CONFIG"
    ) 9>"$BUILD/lock"
}

# Also for these major versions: each has a directory of its own, build/17.
build_for() {
    local version pg_config
    build
    for version in "$@"; do
        [ "$version" != "$OWN" ] || continue
        pg_config=$(pg_config_of "$version")
        # What comes from Java knows no server.
        mkdir -p "$BUILD/$version/extension"
        cp -u --preserve=timestamps "$BUILD/extension/generated.o" "$BUILD/$version/extension"
        build_extension "$BUILD/$version" "$pg_config"
    done
}

# The versions that "--pg 15,17", "--pg=15" among the arguments name, one a line.
versions_in() {
    local before=
    for argument in "$@"; do
        case $before$argument in
            --pg=*) echo "${argument#--pg=}" ;;
            --pg?*) echo "$argument" ;;
        esac
        before=
        [ "$argument" != --pg ] || before=--pg
    done | tr ',' '\n'
}

# Extensions that only tests want, made from that for the server of the major version $1.
build_variants() {
    local build=$BUILD
    [ "$1" = "$OWN" ] || build=$BUILD/$1
    build_breakable "$build" "$(pg_config_of "$1")"
    build_later "$build" "$(pg_config_of "$1")"
}

# Whether the variant $1 is not older than the library $2 nor than what else it is made from.
is_fresh() {
    local out=$1 library=$2
    shift 2
    [ "$out/pg_replica.so" -nt "$library" ] && [ -z "$(find "$@" -newer "$out/pg_replica.so" -print -quit)" ]
}

# With a core that can be told to die, for the tests of what becomes of the server then.
build_breakable() {
    local build=$1 out=$1/breakable compiler objects
    compiler=$(compiler_for "$2")
    mkdir -p "$out"
    cp "$build"/pg_replica.control "$build"/*.sql "$out"
    ! is_fresh "$out" "$build/extension/pg_replica.so" extension/test/breakable_core.c || return 0
    say "compiling the extension with a core that can be broken"
    nice "$compiler" -std=gnu11 -O2 -fPIC -fvisibility=hidden -Wall -Werror -Iextension/src \
        -c extension/test/breakable_core.c -o "$out/breakable_core.o"
    mapfile -t objects < <(find "$build/extension" -name '*.o' ! -name pgr_core.o | sort)
    nice "$compiler" -shared "${objects[@]}" "$out/breakable_core.o" -lm -o "$out/pg_replica.so"
}

# As a later release could be, for the tests of upgrades.
build_later() {
    local build=$1 out=$1/later
    ! is_fresh "$out" "$build/extension/pg_replica.so" extension/{test/later,sql,pg_replica.control} || return 0
    say "compiling the extension as a later release"
    rm -rf "$out"
    mkdir -p "$out/sources"
    # With what is built, so that only what differs is compiled.
    cp -a extension/{Makefile,pg_replica.control,src,sql} "$out/sources"
    cp -a "$build/extension" "$out/extension"
    extension/test/later/change "$out/sources"
    SOURCES=$out/sources make_extension "$out" "$2" all
    cp "$out"/sources/pg_replica.control "$out"/sources/sql/*.sql "$out/extension/pg_replica.so" "$out"
}

install() {
    build
    make_extension "$BUILD" "$PG_CONFIG" install
    say "installed into $("$PG_CONFIG" --pkglibdir)"
}

# The release, as a tarball.
pack() {
    local name=pg_replica-$VERSION work file
    work=$(mktemp -d)
    mkdir "$work/$name"
    cp -r extension/Makefile extension/pg_replica.control extension/src extension/sql "$BUILD/generated" "$work/$name"
    for file in LICENSE META.json README.md CHANGELOG.md docs; do
        [ ! -e "$file" ] || cp -r "$file" "$work/$name"
    done
    find "$work" -name '*.o' -delete
    # Another command may read it, or write it too.
    file=$BUILD/$name.tar.gz.$BASHPID
    tar -C "$work" --sort=name --owner=0 --group=0 --mtime=2026-01-01 -czf "$file" "$name"
    mv -f "$file" "$BUILD/$name.tar.gz"
    rm -rf "$work"
}

dist() {
    build
    pack
    local name=pg_replica-$VERSION work
    work=$(mktemp -d)
    say "building the release as its users will"
    tar -C "$work" -xzf "$BUILD/$name.tar.gz"
    nice make -s -C "$work/$name" PG_CONFIG="$PG_CONFIG"
    nice make -s -C "$work/$name" PG_CONFIG="$PG_CONFIG" DESTDIR="$work/installed" install
    rm -rf "$work"
    say "build/$name.tar.gz"
}

# For the servers that are installed here, or for each version that is asked for, in the Debian that has it.
deb() {
    local version versions
    versions=$(versions_in "$@")
    build
    pack
    [ -n "$versions" ] || deb_here
    for version in $versions; do
        if [ "$version" = "$OWN" ]; then deb_here; else deb_in_its_debian "$version"; fi
    done
}

deb_here() {
    local packages
    command -v dh >/dev/null || install_packages build-essential fakeroot debhelper
    command -v pg_buildext >/dev/null || install_packages postgresql-server-dev-all
    packages=$(packaging/test-deb "$BUILD/pg_replica-$VERSION.tar.gz" "$BUILD")
    if [ "$(id -u)" != 0 ]; then
        say "NOT TESTED: the packages' installation, which needs root for its namespaces"
        return
    fi
    try_debs / "$packages"
}

# On a machine of its own, where ours is /shared.
deb_in_its_debian() {
    local debian=$SERVERS/$1-debian packages
    whole_debian "$1"
    mkdir -p "$BUILD/builder"
    packages=$(nice tools/machine "$debian" "$BUILD/builder" "$ROOT" builder \
        /shared/packaging/test-deb "/shared/build/pg_replica-$VERSION.tar.gz" /shared/build)
    try_debs "$debian" "$packages"
}

# $1 the files of a machine, $2 packages in build/, one a line.
try_debs() {
    local package
    for package in $2; do packaging/try-deb "$BUILD/$package" "$1"; done
}
