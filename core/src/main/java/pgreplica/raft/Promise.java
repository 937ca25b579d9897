package pgreplica.raft;

import pgreplica.base.Term;

/** Until when a voter lets nobody but one node lead, and the newest term in which it said so. */
public record Promise(long untilMillis, Term term) {
    Promise extendedTo(long millis, Term newest) {
        return new Promise(
                millis > untilMillis ? millis : untilMillis, newest.isAfter(term) ? newest : term);
    }
}
