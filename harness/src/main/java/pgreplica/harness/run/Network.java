package pgreplica.harness.run;

/** How the nodes of a cluster reach each other. */
public sealed interface Network permits Loopback, Namespaces {

    /** Where clients and peers reach this node (numbers start at 1). */
    String addressOf(int node);

    /** The network that clients and peers come from, for pg_hba.conf. */
    String range();

    /** What to put before a command that is to run in this node's network. */
    java.util.List<String> prefix(int node);

    void create(int nodes);

    void remove();

    /** Silently drops everything that {@code from} sends to {@code to}; number 0 is the clients' side. */
    void cut(int from, int to);

    /** As cut, but only what belongs to connections to this TCP port of either node. */
    void cutPort(int from, int to, int port);

    /** Every packet arrives again. */
    void heal(int nodes);
}
