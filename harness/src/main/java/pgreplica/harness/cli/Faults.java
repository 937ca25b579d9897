package pgreplica.harness.cli;

import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Verbs that do harm, and those that end it. */
final class Faults {
    private Faults() {}

    enum Victim { postmaster, worker }

    @Command(name = "kill", mixinStandardHelpOptions = true, description = "SIGKILL all processes of a node, or one.")
    static final class Kill implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Option(names = "--only", description = "${COMPLETION-CANDIDATES}")
        private Victim only;

        @Override public Integer call() {
            var victim = chosen.node();
            switch (only) {
                case null -> victim.kill();
                case postmaster -> victim.killPostmaster();
                case worker -> victim.killWorker();
            }
            System.out.println("killed " + (only == null ? "" : "the " + only + " of ") + victim);
            return 0;
        }
    }

    @Command(name = "freeze", mixinStandardHelpOptions = true, description = "SIGSTOP all processes of a node, or its worker.")
    static final class Freeze implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Option(names = "--only", description = "worker")
        private Victim only;

        @Override public Integer call() {
            var victim = chosen.node();
            switch (only) {
                case null -> victim.freeze();
                case worker -> victim.freezeWorker();
                case postmaster -> victim.signalPostmaster("STOP");
            }
            System.out.println("froze " + (only == null ? "" : "the " + only + " of ") + victim);
            return 0;
        }
    }

    @Command(name = "thaw", mixinStandardHelpOptions = true, description = "SIGCONT all processes of a node.")
    static final class Thaw implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Override public Integer call() {
            var victim = chosen.node();
            victim.thaw();
            System.out.println("thawed " + victim);
            return 0;
        }
    }

    @Command(name = "cut", mixinStandardHelpOptions = true,
            description = "Drop packets between a node and others in silence. Needs a cluster made with --netns.")
    static final class Cut implements Callable<Integer> {
        @Mixin private OneNode chosen;

        @Option(names = "--from", paramLabel = "NODE", description = "only between these two (default: from all other nodes)")
        private String from;

        @Option(names = "--one-way", description = "only what NODE sends is lost; it still receives")
        private boolean oneWay;

        @Option(names = "--clients", description = "from the clients as well, as if its host were gone")
        private boolean clients;

        @Override public Integer call() {
            var cluster = chosen.cluster();
            var victim = chosen.in(cluster);
            var peers = from == null ? cluster.others(victim) : java.util.List.of(cluster.node(from));
            for (var peer : peers) {
                cluster.cut(victim, peer);
                if (!oneWay) cluster.cut(peer, victim);
            }
            var network = cluster.blueprint().network();
            if (clients) network.cut(victim.spec().number(), 0);
            if (clients && !oneWay) network.cut(0, victim.spec().number());
            System.out.println("cut " + victim + " off from " + peers + (clients ? " and the clients" : ""));
            return 0;
        }
    }

    @Command(name = "heal", mixinStandardHelpOptions = true, description = "End all cuts.")
    static final class Heal implements Callable<Integer> {
        @Mixin private Named named;

        @Override public Integer call() {
            named.cluster().heal();
            System.out.println("all packets arrive again");
            return 0;
        }
    }
}
