package pgreplica.harness.run;

import java.util.List;

import pgreplica.harness.HarnessException;

/** All nodes on 127.0.0.1, told apart by their ports. Needs no privileges, and cannot be cut. */
public record Loopback() implements Network {
    @Override public String addressOf(int node) {
        return "127.0.0.1";
    }

    @Override public String range() {
        return "127.0.0.1/32";
    }

    @Override public List<String> prefix(int node) {
        return List.of();
    }

    @Override public void create(int nodes) {
        // The loopback device is always there.
    }

    @Override public void remove() {
        // Nothing was made.
    }

    @Override public void cut(int from, int to) {
        throw new HarnessException("nodes on the loopback device cannot be cut off. Start the cluster with --netns (as root).");
    }

    @Override public void cutPort(int from, int to, int port) {
        cut(from, to);
    }

    @Override public void heal(int nodes) {
        // Nothing can be cut.
    }
}
