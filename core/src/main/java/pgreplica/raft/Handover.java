package pgreplica.raft;

import pgreplica.base.VoterId;

/** Leadership on its way to {@code target}; given up at {@code giveUpAtMillis}. */
public record Handover(VoterId target, boolean release, long giveUpAtMillis) {}
