package pgreplica.raft;

import pgreplica.base.LogPosition;
import pgreplica.base.Term;

/** One line of the log. Two logs that have the same position have the same entry there (log matching). */
public record Entry(LogPosition position, Payload payload) {
    public long index() {
        return position.index();
    }

    public Term term() {
        return position.term();
    }
}
