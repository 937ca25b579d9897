package pgreplica.raft;

import java.util.List;

/** The result of one input: the next state, and what the host must now do, in order. */
public record RaftStep(RaftState state, List<Output> outputs) {
    public RaftStep {
        outputs = List.copyOf(outputs);
    }
}
