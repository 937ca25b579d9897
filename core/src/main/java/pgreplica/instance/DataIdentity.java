package pgreplica.instance;

/**
 * What the data directory says of itself: to which cluster it belongs and which life of this node's data it is.
 * The incarnation is renewed before anything destroys the data (safety rule A9); 0 means none.
 */
public record DataIdentity(String clusterId, long incarnation) {
    public static final DataIdentity NONE = new DataIdentity("", 0);
}
