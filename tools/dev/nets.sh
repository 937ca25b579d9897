# Part of ./dev: everything that tests, each by itself.

# Runs the main class $2 of the module $1.
java_main() {
    local module=$1 class=$2
    shift 2
    need_java
    build_java
    exec "$JAVA_HOME/bin/java" -XX:+UseSerialGC ${JAVA_MEMORY:-} \
        -cp "$module/target/classes:$(cat "$module/target/classpath")" "$class" "$@"
}

# The C build as a plain program: $1 its name, $2 the generated C, $3 the compiler, the rest flags for it.
# Two commands at a time take turns.
build_twin() {
    local program=$BUILD/$1 generated=$2 compiler=$3 key
    shift 3
    (
        flock 9
        key=$({ cat "$generated/KEY" simulator/src/main/c/twin.c extension/src/pgr_core.[ch]; echo "$compiler $*"; } |
            sha256sum)
        [ "$(cat "$program.KEY" 2>/dev/null)" != "$key" ] || exit 0
        say "compiling build/${program##*/}"
        nice "$compiler" -std=gnu11 -fwrapv -fno-strict-aliasing -w -iquote "$generated" "$@" \
            -c "$generated/all.c" -o "$program.o"
        link_twin "$compiler" "$program.o" "$program" "$@"
        echo "$key" >"$program.KEY"
    ) 9>"$program.lock"
}

# $1 the compiler, $2 the compiled generated C, $3 the program, the rest flags.
link_twin() {
    local compiler=$1 generated=$2 program=$3
    shift 3
    nice "$compiler" -std=gnu11 -O2 -Wall -Werror -Iextension/src "$@" \
        simulator/src/main/c/twin.c extension/src/pgr_core.c "$generated" -lm -o "$program"
}

twin() {
    build
    build_twin twin "$BUILD/generated" gcc -O2
    run_twin twin "$@"
}

# The same with TeaVM's heap verifier, which looks at every object at every collection, and a small heap.
verify() {
    build
    build_generated "$BUILD/generated-verified" true
    build_twin twin-verified "$BUILD/generated-verified" gcc -O1 -DTEAVM_MEMORY_TRACE=1 -DPGR_CORE_HEAP=8388608
    run_twin twin-verified "$@"
}

run_twin() {
    local program=$1
    shift
    (java_main simulator pgreplica.simulator.twin.TwinMain "$BUILD/$program" "$@")
}

# The same under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitized() {
    build
    # What the generated code does on purpose is not for the sanitizer: shifts as Java's, casts of functions.
    build_twin twin-sanitized "$BUILD/generated" gcc -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all \
        -fno-sanitize=shift,alignment
    run_twin twin-sanitized "$@"
}

# The same with sanitizers, with another compiler, and with other heaps. $1 events for each, $2 which.
twins() {
    local events=${1:-1000000} seed=${2:-3} heap smallest
    need_clang
    say "AddressSanitizer and UndefinedBehaviorSanitizer"
    sanitized "$events" "$seed"
    build_twin twin-clang "$BUILD/generated" "$CLANG" -O2
    say "clang"
    run_twin twin-clang "$events" "$((seed + 1))"
    build_twin twin "$BUILD/generated" gcc -O2
    smallest=$(smallest_heap)
    for heap in "$smallest" $((smallest * 2)) 8192; do
        say "a heap of $heap KiB"
        link_twin gcc "$BUILD/twin.o" "$BUILD/twin-heap" -DPGR_CORE_HEAP=$((heap * 1024))
        run_twin twin-heap "$events" "$((seed + 2))"
    done
}

# In KiB: the smallest power of two in which the first events run, by trying.
smallest_heap() {
    local heap
    for heap in 256 512 1024 2048 4096; do
        link_twin gcc "$BUILD/twin.o" "$BUILD/twin-heap" -DPGR_CORE_HEAP=$((heap * 1024))
        if run_twin twin-heap 200000 1 >/dev/null 2>&1; then
            echo "$heap"
            return
        fi
    done
    echo 8192
}

# The decoders and the core under clang's libFuzzer. $1 seconds for each target, then targets.
fuzz() {
    local seconds=${1:-12}
    [ $# = 0 ] || shift
    build
    need_clang
    (java_main simulator pgreplica.simulator.trace.TraceMain fuzz-inputs "$BUILD/fuzz-inputs")
    CLANG=$CLANG PG_CONFIG=$PG_CONFIG extension/fuzz/run.sh "$BUILD/fuzz" "$BUILD/generated" "$BUILD/fuzz-inputs" \
        "$seconds" "$@"
}

# What TeaVM gets wrong without our changes, tried again when TeaVM, a change or the trial itself is another.
heap_fixes() {
    local key
    need_java
    need_c
    key=$(sha256sum pom.xml simulator/pom.xml tools/GeneratedCode.java tools/heap-fixes simulator/src/main/c/probe.c \
        simulator/src/main/java/pgreplica/simulator/twin/HeapProbe.java | sha256sum)
    [ "$(cat "$BUILD/probe/KEY" 2>/dev/null)" = "$key" ] && return
    rm -rf "$BUILD/probe"
    quiet_maven -P probe -pl core,codec,entry,simulator -Dteavm.output="$BUILD/probe/generated" process-classes
    tools/heap-fixes "$BUILD/probe"
    echo "$key" >"$BUILD/probe/KEY"
}

unit() {
    need_java
    quiet_maven test
}

# What this version writes, kept for all later ones to read: only what is missing, never what is there.
goldens() {
    need_java
    need_c
    quiet_maven -pl core,codec -Dtest=GoldenTest -Dsurefire.failIfNoSpecifiedTests=false -Dpgreplica.goldens=write test
    PGR_GOLDENS=write extension/test/run.sh
}

# Bugs planted by hand, each run against the nets that must catch it.
mutants() {
    build
    build_twin twin "$BUILD/generated" gcc -O2
    quiet_maven -pl core,codec,entry,simulator test-compile dependency:build-classpath \
        -Dmdep.outputFile=target/test.classpath -Dmdep.includeScope=test
    exec nice "$JAVA_HOME/bin/java" -XX:+UseSerialGC \
        -cp "$(printf "%s:" {simulator,core,codec}/target/{classes,test-classes})$(cat simulator/target/test.classpath)" \
        pgreplica.simulator.mutants.MutantsMain "$BUILD/twin" "$BUILD/mutants" "$@"
}

host_mutants() {
    build
    tools/host-mutants "$BUILD/host-mutants" "$@"
}

# Mutation coverage of core, package by package, on one thread: slow. Fails below 90 %. A class by itself: node.Quorum.
# The package's own tests must do, which keeps it quick, and for node the written conversations. Those that count or
# measure over many runs are left out. Each class of ours gets a Java of its own, which ends before the better
# compiler has paid off. build/pit-PACKAGE/mutations.csv grows meanwhile.
pit() {
    local package classes tests failed=0 start
    need_java
    mkdir -p "$BUILD"
    quiet_maven -P pit -pl core,codec,entry,simulator test-compile dependency:build-classpath \
        -Dmdep.outputFile=target/test.classpath -Dmdep.includeScope=test
    printf "%s:" "$PWD"/{core,codec,simulator}/target/{classes,test-classes} "$PWD/entry/target/classes" \
        >"$BUILD/pit.classpath"
    cat simulator/target/test.classpath >>"$BUILD/pit.classpath"
    tr : '\n' <"$BUILD/pit.classpath" >"$BUILD/pit.classpath.lines"
    [ $# -gt 0 ] || set -- base failover instance cluster raft node
    for package in "$@"; do
        start=$SECONDS
        say "mutating pgreplica.$package"
        classes="pgreplica.$package*"
        [ "${package%%.*}" != "$package" ] || classes="pgreplica.$package.*"
        tests="pgreplica.${package%%.*}.*"
        [ "${package%%.*}" != node ] || tests=$tests,pgreplica.simulator.ScenarioTest
        (cd simulator && nice "$JAVA_HOME/bin/java" -XX:+UseSerialGC -cp "$(cat "$BUILD/pit.classpath")" \
            org.pitest.mutationtest.commandline.MutationCoverageReport --classPathFile "$BUILD/pit.classpath.lines" \
            --mutableCodePaths "$OLDPWD/core/target/classes" --sourceDirs ../core/src/main/java \
            --targetClasses "$classes" --targetTests "$tests" \
            --excludedTestClasses pgreplica.raft.SimulationTest,pgreplica.raft.FailoverTimeTest \
            --jvmArgs -XX:+UseSerialGC,-XX:TieredStopAtLevel=1 --threads 1 --timeoutConst 5000 \
            --reportDir "$BUILD/pit-$package" --timestampedReports=false --outputFormats CSV) \
            >"$BUILD/pit-$package.log" 2>&1 || { tail -20 "$BUILD/pit-$package.log"; die "PIT failed"; }
        "$JAVA_HOME/bin/java" tools/PitReport.java "$BUILD/pit-$package/mutations.csv" core/src/test/pit-explained.txt ||
            failed=1
        say "it took $((SECONDS - start)) s"
    done
    return "$failed"
}

wire() {
    need_c
    nice extension/test/run.sh
}

# The container image's entrypoint, without an engine; and the unit for systemd, where systemd is installed.
containers() {
    build
    check_unit
    if [ "$(id -u)" != 0 ]; then
        say "NOT TESTED: the container's entrypoint, which needs root for its namespaces"
        return
    fi
    packaging/docker/test-entrypoint "$BUILD" "$("$PG_CONFIG" --bindir)"
}

# The example names a version of PostgreSQL that need not be the one that is here.
check_unit() {
    local work said
    if ! command -v systemd-analyze >/dev/null; then
        say "NOT TESTED: the unit, without systemd"
        return
    fi
    work=$(mktemp -d)
    sed "s,/usr/lib/postgresql/[0-9]*/bin,$("$PG_CONFIG" --bindir)," packaging/systemd/pg_replica-node.service \
        >"$work/pg_replica-node.service"
    said=$(systemd-analyze verify "$work/pg_replica-node.service" 2>&1) || true
    rm -rf "$work"
    [ -z "$said" ] || die "systemd does not take packaging/systemd/pg_replica-node.service: $said"
}

# The cluster tests take the extension from build/; nothing is installed.
cluster_tests() {
    local version groups='' failed=0 properties=() traces begun
    for argument in "$@"; do
        case $argument in
            -D*) properties+=("$argument") ;;
            --essential) groups=essential ;;
            --pg | --pg=* | [1-9]*) ;;
            *) die "cluster-tests does not know \"$argument\". It takes: [--pg VERSION] [--essential] [-Dtest=NAME]" ;;
        esac
    done
    version=$(versions_in "$@")
    [ "${version%%[!0-9]*}" = "$version" ] || die "cluster-tests takes one version at a time, not" $version
    build_for $version
    build_variants "${version:-$PGREPLICA_PG}"
    pack
    if [ "$version" = 17 ] && [ -z "$groups" ] && ! (tools/servers "$SERVERS" 17-libc); then
        say "NOT TESTED: servers with two versions of libc, of which the other cannot be fetched here"
    fi
    # Those of another version may be written at this moment.
    traces=$BUILD/traces/${version:-$PGREPLICA_PG}
    rm -rf "$traces"
    begun=$(mktemp)
    PGREPLICA_PG=${version:-$PGREPLICA_PG} quiet_maven -pl harness,cluster-tests -Dcluster.skip=false -DexcludedGroups=none \
        -Dgroups="$groups" ${version:+-Dsurefire.reportNameSuffix="$version"} \
        -Dpgreplica.traces="$traces" -Dsurefire.failIfNoSpecifiedTests=false "${properties[@]}" test || failed=1
    # A name that fits no test runs none, and Maven is content with that.
    [ -n "$(find {harness,cluster-tests}/target/surefire-reports -name 'TEST-*' -newer "$begun")" ] || {
        say "no test ran: is there one by the name that ${properties[*]} gives?"
        failed=1
    }
    rm -f "$begun"
    replay_kept_traces "$traces" || failed=1
    # Those of a run that went well tell nothing more.
    [ "$failed" = 1 ] || rm -rf "$traces"
    return "$failed"
}

# What the cores of real servers were told, once more on the JVM: the same answers.
replay_kept_traces() {
    local traces
    traces=$(find "$1" -type f 2>/dev/null) || return 0
    [ -n "$traces" ] || return 0
    # shellcheck disable=SC2086
    (java_main simulator pgreplica.simulator.trace.TraceMain replay --brief $traces)
}
