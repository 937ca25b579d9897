package pgreplica.harness.wire;

/** Where and as whom to connect. A host that starts with a slash is the directory of a Unix domain socket. */
public record Target(String host, int port, String database, String user, String password) {
    @Override public String toString() {
        return user + "@" + host + ":" + port + "/" + database;
    }
}
