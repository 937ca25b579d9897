package pgreplica.raft;

import java.util.List;
import java.util.Optional;
import pgreplica.base.LogPosition;
import pgreplica.base.Term;

/** What voters say to each other: the Raft paper's RPCs, pre-vote, leadership transfer, and the lease's times. */
public sealed interface Message {
    Term term();

    /** Would you vote for me in {@code term}? Changes nothing at the one who is asked. */
    record PreVoteRequest(Term term, LogPosition lastEntry) implements Message {}

    /** {@code term} is the asked one when granted, else the newest the answering voter knows. */
    record PreVoteReply(Term term, boolean granted) implements Message {}

    record VoteRequest(Term term, LogPosition lastEntry, Optional<Release> release) implements Message {}

    /**
     * @param promisedToOthersMillis how much longer the voter has promised nodes other than the candidate not
     *     to let anyone else lead; taken when the vote is given
     */
    record VoteReply(Term term, boolean granted, long promisedToOthersMillis, Optional<Attachment> attachment)
            implements Message {}

    /** Without entries it is the heartbeat. {@code sentAtMillis} is the leader's clock, for the leader alone. */
    record AppendRequest(Term term, LogPosition previous, List<Entry> entries, long commitIndex, long sentAtMillis)
            implements Message {
        public AppendRequest {
            entries = List.copyOf(entries);
        }
    }

    /**
     * @param matchIndex on success the last index known to match the leader's log, else the index after which
     *     the leader should continue
     * @param sentAtMillis echoed from the request
     */
    record AppendReply(Term term, boolean success, long matchIndex, long sentAtMillis) implements Message {}

    record InstallSnapshot(Term term, SnapshotImage image, long commitIndex, long sentAtMillis) implements Message {}

    /** Campaign now, in the next term and without asking before (dissertation 3.10). */
    record TimeoutNow(Term term, Optional<Release> release) implements Message {}
}
