package pgreplica.checker;

/** What a history and the data in the end must agree on. */
public enum Rule {
    ACKNOWLEDGED_STAYS("every acknowledged append is on every node in the end"),
    ONCE("no append is there twice"),
    REFUSED_IS_ABSENT("an append that the server refused is nowhere"),
    NOTHING_INVENTED("nothing is there that no client sent"),
    NODES_AGREE("all nodes hold the same rows"),
    ORDER_KEPT("an append saw every append of its list that had been acknowledged before it was sent"),
    SEEN_STAYS("what an append or a reader of the primary saw is there in the end"),
    READS_GO_FORWARD("a read of the primary misses nothing that was acknowledged, or seen by another, before it began"),
    NO_LATE_PRIMARY("what is sent after a newer timeline's first acknowledgement is not acknowledged by an older one"),
    ONE_OWNER("a timeline has one node"),
    LOSS_IS_BOUNDED("what is lost was past the position at which its timeline was left");

    private final String sentence;

    Rule(String sentence) {
        this.sentence = sentence;
    }

    public String sentence() {
        return sentence;
    }
}
