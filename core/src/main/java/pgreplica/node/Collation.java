package pgreplica.node;

/**
 * How a node's server sorts text, on which the order of its indexes rests.
 *
 * @param versions of the libraries that its collations come from
 * @param mismatchAllowed {@code pg_replica.allow_collation_mismatch} there
 */
public record Collation(String versions, boolean mismatchAllowed) {}
