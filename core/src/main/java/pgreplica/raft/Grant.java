package pgreplica.raft;

import java.util.Optional;

/**
 * A vote as its winner keeps it.
 *
 * @param attachment what the voter said beside its vote
 * @param othersPromiseOverAtMillis when, by the candidate's own clock, everything the voter has promised to
 *     other nodes has run out; counted from the receipt of the vote, so a slow network only makes it later
 */
public record Grant(Optional<Attachment> attachment, long othersPromiseOverAtMillis) {}
