package pgreplica.raft;

import java.util.Optional;
import pgreplica.base.Term;

/** A vote on its way: the term it is for, and the release its candidate came with. */
public record Preparation(Term term, Optional<Release> release) {}
