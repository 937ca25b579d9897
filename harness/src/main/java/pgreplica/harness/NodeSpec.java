package pgreplica.harness;

/** A node's name and its addresses. Numbers start at 1. */
public record NodeSpec(String name, int number, String host, int port, int raftPort) {

    /** As it stands in the setting pg_replica.nodes. */
    public String listed() {
        return name + "=" + host + ":" + port + "/" + raftPort;
    }
}
