package pgreplica.node;

import pgreplica.base.Timeline;

/**
 * What was asked of this node's Postgres and has not been seen to happen yet. One thing at a time.
 *
 * @param promotingTo the timeline of a promotion under way; {@link Timeline#NONE} without one
 * @param restarting a restart was asked for; nothing else is asked until the next start
 * @param work what runs while Postgres is down, with its progress in words
 */
public record Errand(Timeline promotingTo, long sinceMillis, boolean restarting, Event.Work work, String progress) {
    static final Errand NONE = new Errand(Timeline.NONE, 0, false, Event.Work.NONE, "");

    static Errand promotion(Timeline timeline, long nowMillis) {
        return new Errand(timeline, nowMillis, false, Event.Work.NONE, "");
    }

    static Errand restart(Event.Work work, long nowMillis) {
        return new Errand(Timeline.NONE, nowMillis, true, work, "");
    }

    static Errand work(Event.Work work, String progress, long nowMillis) {
        return new Errand(Timeline.NONE, nowMillis, false, work, progress);
    }

    boolean isPromotion() {
        return promotingTo.isAfter(Timeline.NONE);
    }
}
