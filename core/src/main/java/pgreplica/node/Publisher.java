package pgreplica.node;

import java.util.ArrayList;
import java.util.List;
import pgreplica.base.Division;
import pgreplica.base.Lsn;
import pgreplica.base.NodeId;
import pgreplica.base.Timeline;
import pgreplica.cluster.Appointment;
import pgreplica.failover.Rule;
import pgreplica.instance.Observation.Phase;
import pgreplica.node.PeerMessage.NodeStatus;

/** The tables behind the SQL functions. An empty text stands for SQL's null. */
final class Publisher {
    /** As long as no rule has decided here. */
    private static final List<List<String>> RULES = rulesAtRest();

    private Publisher() {}

    static void tend(Turn turn) {
        tendMoving(turn);
        tendSettled(turn);
    }

    private static void tendMoving(Turn turn) {
        boolean due = turn.now - turn.told.publishedAtMillis >= turn.settings.electionTimeoutMillis();
        if (!due && !turn.factsChanged() && !turn.peersChanged()) return;
        String key = turn.told.statusKey + " " + turn.raft.isLeader() + " " + primary(turn) + " "
                + turn.told.leaseWhy + " " + Quorum.state(turn) + " " + Quorum.mode(turn) + " " + turn.raft.leader().isPresent();
        if (!due && turn.told.publishedKey.equals(key)) return;
        turn.told.publishedKey = key;
        turn.told.publishedAtMillis = turn.now;
        turn.act(new Action.Publish(Action.Page.MOVING, List.of(status(turn), members(turn))));
    }

    private static void tendSettled(Turn turn) {
        if (!turn.factsChanged() && !turn.told.settledKey.isEmpty()) return;
        var latest = turn.cluster.latest();
        String key = turn.raft.isLeader() + " " + turn.leadership.rule + " " + turn.leadership.ruleText + " "
                + latest.map(Appointment::timeline).orElse(Timeline.NONE) + " " + latest.flatMap(Appointment::fork).isPresent() + " "
                + turn.settings.collation().mismatchAllowed();
        if (turn.told.settledKey.equals(key)) return;
        turn.told.settledKey = key;
        turn.act(new Action.Publish(Action.Page.SETTLED, List.of(history(turn), rules(turn), checks(turn))));
    }

    private static Action.Table status(Turn turn) {
        var observed = turn.observed;
        boolean fenced = observed.isPrimary() && !Lease.obstacle(turn).isEmpty();
        return new Action.Table("status",
                List.of("node", "role", "raft_role", "term", "leader", "primary", "timeline", "received_lsn",
                        "replayed_lsn", "flushed_lsn", "fenced", "fence_reason", "state", "reason", "cluster_id",
                        "system_identifier", "version", "sync_mode", "sync_state"),
                List.of(List.of(turn.self().name(), role(observed.phase()), raftRole(turn), turn.term().toString(),
                        turn.leaderNode().map(NodeId::name).orElse(""), primary(turn), number(observed.timeline()),
                        lsn(observed.flushed()), lsn(observed.replayed()), lsn(observed.flushed()),
                        Boolean.toString(fenced || !observed.isPrimary()), Lease.obstacle(turn), Gossip.state(turn),
                        Gossip.reason(turn), turn.clusterId(), Long.toString(observed.systemIdentifier()),
                        turn.settings.version(), Quorum.mode(turn), Quorum.state(turn))));
    }

    static Action.Table members(Turn turn) {
        var rows = new ArrayList<List<String>>();
        var end = primaryEnd(turn);
        for (var listed : turn.settings.listed()) {
            var node = listed.node();
            String voter = Boolean.toString(Membership.voterOf(turn, node).isPresent());
            if (node.equals(turn.self())) {
                rows.add(member(listed, Gossip.status(turn), end, 0, voter, true, ownLagSeconds(turn)));
                continue;
            }
            var peer = turn.peer(node);
            if (peer.status().isEmpty()) {
                rows.add(List.of(node.name(), "", "unreachable", listed.address(), "", "", "", "", "", "", "", voter,
                        "", "it was not heard since this node started"));
            } else {
                rows.add(member(listed, peer.status().get(), end, turn.now - peer.heardAtMillis(), voter,
                        peer.isFresh(turn.now, turn.settings.electionTimeoutMillis()),
                        lagSeconds(turn, peer)));
            }
        }
        return new Action.Table("members",
                List.of("node", "role", "state", "address", "timeline", "received_lsn", "replayed_lsn", "lag_bytes",
                        "lag_seconds", "last_heard_ms", "version", "voter", "priority", "reason"),
                List.copyOf(rows));
    }

    private static String ownLagSeconds(Turn turn) {
        return turn.cluster.latest().map(primary -> lagSeconds(turn, turn.peer(primary.node()))).orElse("");
    }

    /** Since when it has been behind; nothing of one that was never seen level since this node started. */
    private static String lagSeconds(Turn turn, Peer peer) {
        return peer.levelAtMillis() == 0 ? "" : seconds(turn.now - peer.levelAtMillis());
    }

    private static List<String> member(Settings.ListedNode listed, NodeStatus status, Lsn end, long heardMillis,
                                       String voter, boolean reachable, String lagSeconds) {
        boolean behind = status.phase() == Phase.STANDBY && end.isAfter(status.flushed());
        String lag = end.equals(Lsn.ZERO) ? "" : Long.toString(behind ? end.bytesAfter(status.flushed()) : 0);
        return List.of(listed.node().name(), role(status.phase()), reachable ? status.state() : "unreachable",
                listed.address(), number(status.timeline()), lsn(status.flushed()), lsn(status.replayed()), lag,
                behind ? lagSeconds : lag,
                Long.toString(heardMillis), status.version(), voter, Integer.toString(status.priority()),
                reachable ? status.reason() : "not heard for " + heardMillis + " ms"
                        + (status.reason().isEmpty() ? "" : "; before that: " + status.reason()));
    }

    private static Action.Table history(Turn turn) {
        var rows = new ArrayList<List<String>>();
        for (var appointment : turn.cluster.appointments()) {
            rows.add(List.of(Long.toString(appointment.atMillis()), appointment.term().toString(),
                    appointment.node().name(), number(appointment.timeline()),
                    appointment.fork().map(Publisher::lsn).orElse(""), appointment.why()));
        }
        return new Action.Table("history", List.of("at", "term", "node", "timeline", "fork_lsn", "reason"),
                List.copyOf(rows));
    }

    private static Action.Table rules(Turn turn) {
        int current = turn.raft.isLeader() ? turn.leadership.rule : 0;
        var rows = new ArrayList<List<String>>(RULES);
        for (int i = 0; i < rows.size(); i++) {
            var rule = Rule.ALL.get(i);
            if (rule.id() == current) rows.set(i, row(rule, turn.leadership.ruleText, true));
        }
        return new Action.Table("rules", List.of("id", "condition", "decision", "why", "current"), List.copyOf(rows));
    }

    /** What the core has to say to {@code check()}. */
    private static Action.Table checks(Turn turn) {
        var collation = turn.settings.collation();
        String difference = turn.settings.witness() ? "" : Collations.difference(turn, collation);
        boolean ok = difference.isEmpty() || collation.mismatchAllowed();
        String fix = difference.isEmpty() ? ""
                : ok ? "REINDEX what is sorted by text once it was promoted."
                : "Install the same libraries on all servers; " + Collations.REMEDY + ".";
        return new Action.Table("checks", List.of("setting", "value", "ok", "problem", "fix"),
                List.of(List.of("collations", collation.versions(), Boolean.toString(ok), difference, fix)));
    }

    private static List<List<String>> rulesAtRest() {
        var rows = new ArrayList<List<String>>();
        for (var rule : Rule.ALL) rows.add(row(rule, rule.why(), false));
        return List.copyOf(rows);
    }

    private static List<String> row(Rule rule, String why, boolean current) {
        return List.of(Integer.toString(rule.id()), rule.condition(), rule.decision().name(), why,
                Boolean.toString(current));
    }

    /** The node that is primary as far as this one knows; empty while nobody is. */
    static String primary(Turn turn) {
        var latest = turn.cluster.latest();
        if (latest.isEmpty()) return "";
        var node = latest.get().node();
        if (node.equals(turn.self())) return turn.observed.isPrimary() ? node.name() : "";
        var peer = turn.peer(node);
        boolean there = peer.isFresh(turn.now, turn.settings.electionTimeoutMillis())
                && peer.status().get().phase() == Phase.PRIMARY
                && peer.status().get().timeline().equals(latest.get().timeline());
        return there ? node.name() : "";
    }

    /** Whether it was the last to be appointed primary. */
    static boolean isLatest(Turn turn, NodeId node) {
        return turn.cluster.latest().filter(appointment -> appointment.node().equals(node)).isPresent();
    }

    static Lsn primaryEnd(Turn turn) {
        var latest = turn.cluster.latest();
        if (latest.isEmpty()) return Lsn.ZERO;
        return latest.get().node().equals(turn.self()) ? turn.observed.flushed()
                : Leading.lastKnownEndOf(turn, latest.get());
    }

    private static String role(Phase phase) {
        return switch (phase) {
            case PRIMARY, CRASH_RECOVERY -> "primary";
            case STANDBY, STARTING -> "standby";
            case DOWN, STOPPING -> "down";
        };
    }

    private static String raftRole(Turn turn) {
        if (Membership.isBlank(turn)) return "none";
        return switch (turn.raft.role()) {
            case pgreplica.raft.Role.Follower _ -> "follower";
            case pgreplica.raft.Role.PreCandidate _ -> "precandidate";
            case pgreplica.raft.Role.Candidate _ -> "candidate";
            case pgreplica.raft.Role.Leader _ -> "leader";
        };
    }

    private static String seconds(long millis) {
        long tenths = Division.quotient(millis, 100);
        return Division.quotient(tenths, 10) + "." + Division.remainder(tenths, 10);
    }

    private static String number(Timeline timeline) {
        return timeline.equals(Timeline.NONE) ? "" : timeline.toString();
    }

    private static String lsn(Lsn lsn) {
        return lsn.equals(Lsn.ZERO) ? "" : lsn.toString();
    }
}
