package pgreplica.codec;

import java.util.List;
import pgreplica.base.NodeId;
import pgreplica.node.Event;
import pgreplica.node.Settings;

/** An event as the host gives it: files and payloads are still bytes. */
public sealed interface HostEvent {
    /** The first event of a process, and no other. */
    record Start(Settings settings, long seed, List<File> files) implements HostEvent {}

    record MessageReceived(NodeId from, byte[] payload) implements HostEvent {}

    /** All events that need no more decoding. */
    record Plain(Event event) implements HostEvent {}

    /** A file of the state directory. */
    record File(String name, byte[] content) {}

    /** An event with the moment it happened at. */
    record Timed(long nowMillis, HostEvent event) {}
}
