package pgreplica.entry.subset;

import java.util.function.Predicate;

/** One thing that Java code compiled to C must not do, and what it does instead. */
record Rule(String name, Predicate<Use> forbids, String instead) {}
