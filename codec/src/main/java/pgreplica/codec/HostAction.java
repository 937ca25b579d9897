package pgreplica.codec;

import pgreplica.base.NodeId;
import pgreplica.node.Action;

/** An action as the host receives it: what goes to disk or to a peer is bytes already. */
public sealed interface HostAction {
    record StoreReplace(String name, byte[] content) implements HostAction {}

    record StoreAppend(String name, long offset, byte[] content) implements HostAction {}

    /** By the assistant, in its own time. */
    record StoreLater(String name, byte[] content) implements HostAction {}

    record Send(NodeId to, byte[] payload) implements HostAction {}

    /** All actions that need no more encoding. */
    record Plain(Action action) implements HostAction {}
}
