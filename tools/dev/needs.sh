# Part of ./dev: what this machine must have, found or installed.

install_packages() {
    command -v apt-get >/dev/null || die "missing: $*. Install them and try again."
    [ "$(id -u)" = 0 ] || die "missing: $*. Install them: sudo apt-get install $*"
    say "installing $*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$@" >&2
}

jdk_25() {
    local release
    for release in ${JAVA_HOME:+"$JAVA_HOME/release"} /usr/lib/jvm/*/release; do
        if grep -qs '^JAVA_VERSION="25' "$release" && [ -x "${release%/release}/bin/javac" ]; then
            echo "${release%/release}"
            return
        fi
    done
}

need_java() {
    local home
    home=$(jdk_25)
    if [ -z "$home" ]; then
        install_packages openjdk-25-jdk || true
        home=$(jdk_25)
        [ -n "$home" ] || die "there is no JDK 25 below /usr/lib/jvm, and JAVA_HOME names none: install one"
    fi
    export JAVA_HOME=$home
    command -v mvn >/dev/null || install_packages maven
    # Maven's own libraries use what JDK 25 warns about; nothing of ours does.
    export MAVEN_OPTS="${MAVEN_OPTS:-} --sun-misc-unsafe-memory-access=allow -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
}

need_c() {
    command -v gcc >/dev/null || install_packages gcc
    command -v make >/dev/null || install_packages make
    PG_CONFIG=${PG_CONFIG:-pg_config}
    if ! command -v "$PG_CONFIG" >/dev/null || [ ! -f "$("$PG_CONFIG" --includedir-server)/postgres.h" ]; then
        install_packages postgresql postgresql-server-dev-all
    fi
    local header
    for header in openssl/ssl.h:libssl-dev gssapi/gssapi.h:libkrb5-dev; do
        [ -f "/usr/include/${header%:*}" ] || install_packages "${header#*:}"
    done
    # Which server the harness runs, unless it is told another.
    OWN=$(major "$("$PG_CONFIG" --version)")
    export PGREPLICA_PG=${PGREPLICA_PG:-$OWN}
}

# "PostgreSQL 17.12 (Debian ...)" is 17.
major() { echo "$1" | sed 's/[^0-9]*\([0-9]*\).*/\1/'; }

# The pg_config of the major version $1: this machine's, or that of a server of another Debian.
pg_config_of() {
    local installed=/usr/lib/postgresql/$1/bin/pg_config
    if [ "$1" = "$OWN" ]; then
        echo "$PG_CONFIG"
    elif [ -x "$installed" ] && [ -f "$("$installed" --includedir-server)/postgres.h" ]; then
        echo "$installed"
    else
        tools/servers "$SERVERS" "$1" || return 1
        echo "$SERVERS/$1/pg_config"
    fi
}

servers() {
    need_c
    local version
    for version in "$@"; do pg_config_of "$version" || return 1; done
}

# All of the Debian that has the server of the major version $1, in $SERVERS.
whole_debian() {
    command -v mmdebstrap >/dev/null || install_packages mmdebstrap
    tools/servers "$SERVERS" "$1-debian"
}

# With libFuzzer and the sanitizers.
need_clang() {
    CLANG=${CLANG:-$(compgen -c clang | grep -E '^clang(-[0-9]+)?$' | sort -V | tail -1 || true)}
    if [ -z "$CLANG" ] || ! echo 'int LLVMFuzzerTestOneInput(const char *d, long s) { return 0; }' \
        | "$CLANG" -x c -fsanitize=fuzzer,address -o /dev/null - 2>/dev/null
    then
        install_packages clang libclang-rt-dev
        CLANG=clang
    fi
}

# Maven says nothing with -q except what went wrong, and an escape sequence per module.
quiet_maven() { nice mvn -q -B -ntp -Dstyle.color=never "$@" 2>&1 | sed $'s/\e\\[0\\?m//g; /^$/d'; }
