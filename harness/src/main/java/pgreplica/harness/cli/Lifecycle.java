package pgreplica.harness.cli;

import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Verbs that start and end nodes, and the cluster. */
final class Lifecycle {
    private Lifecycle() {}

    @Command(name = "stop", mixinStandardHelpOptions = true, description = "Shut a node down (fast).")
    static final class Stop implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Override public Integer call() {
            chosen.node().stop();
            return 0;
        }
    }

    @Command(name = "start", mixinStandardHelpOptions = true, description = "Start a node.")
    static final class Start implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Override public Integer call() {
            chosen.node().start();
            return 0;
        }
    }

    @Command(name = "wipe", mixinStandardHelpOptions = true,
            description = "Empty a stopped node's state directory and replace its data by a fresh initdb.")
    static final class Wipe implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Option(names = "--raft", description = "only the state directory")
        private boolean raft;

        @Option(names = "--data", description = "only the data directory")
        private boolean data;

        @Override public Integer call() {
            var victim = chosen.node();
            if (raft || !data) victim.wipeState();
            if (data || !raft) victim.wipeData();
            return 0;
        }
    }

    @Command(name = "down", mixinStandardHelpOptions = true, description = "End all nodes and remove the cluster.")
    static final class Down implements Callable<Integer> {
        @Mixin private Named named;

        @Override public Integer call() {
            var cluster = named.cluster();
            cluster.close();
            System.out.println("removed " + cluster.blueprint().home());
            return 0;
        }
    }
}
