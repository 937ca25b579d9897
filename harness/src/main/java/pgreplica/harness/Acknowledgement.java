package pgreplica.harness;

/**
 * One commit whose client was told. {@code sentNanos} and {@code nanos} are System.nanoTime of this JVM: just before
 * the statement was sent, and just after its answer had arrived.
 */
public record Acknowledgement(long connection, long id, String node, long sentNanos, long nanos, long wallMillis) {

    /** One line of the file that a writer keeps. */
    String line() {
        return connection + " " + id + " " + node + " " + wallMillis + "\n";
    }

    static Acknowledgement parse(String line) {
        var fields = line.split(" ");
        return new Acknowledgement(Long.parseLong(fields[0]), Long.parseLong(fields[1]), fields[2], 0, 0,
                Long.parseLong(fields[3]));
    }
}
