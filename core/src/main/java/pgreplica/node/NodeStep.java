package pgreplica.node;

import java.util.List;

/** The result of one event: the next state, and what the host must now do, in order. */
public record NodeStep(NodeState state, List<Action> actions) {}
