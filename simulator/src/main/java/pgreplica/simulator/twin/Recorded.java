package pgreplica.simulator.twin;

import java.util.Optional;

/**
 * One event of one node, with what the JVM build made of it.
 *
 * @param begins whether the node's process starts with it
 * @param reply empty if the JVM build refused to go on, which the C build must then do as well
 * @param state the JVM build's state after it, at some of the events
 */
record Recorded(int node, boolean begins, byte[] event, Optional<byte[]> reply, Optional<byte[]> state) {}
