package pgreplica.node;

import pgreplica.base.VoterId;

/**
 * What travels between two nodes. The host has authenticated the sender's node name; the rest says which life of it
 * speaks, and for which cluster.
 *
 * @param clusterId empty while the sender belongs to none
 */
public record Envelope(String clusterId, VoterId from, VoterId to, PeerMessage message) {
    /** A voter number of nobody: the sender does not know yet who answers under that name. */
    public static final long ANY_LIFE = 0;
}
