package pgreplica.codec;

import pgreplica.instance.Gate;
import pgreplica.node.Errand;
import pgreplica.node.NodeState;
import pgreplica.node.NodeState.Leadership;
import pgreplica.node.NodeState.Leaving;
import pgreplica.node.NodeState.Request;
import pgreplica.node.NodeState.Syncing;
import pgreplica.node.NodeState.Told;
import pgreplica.node.Peer;
import pgreplica.node.Settings;
import pgreplica.node.Settings.ListedNode;

/**
 * The canonical encoding of a node's state: compared before and after a garbage collection, and between the JVM and
 * the C build. Written only. A test changes each component of each record and expects other bytes.
 */
final class StateCodec {
    private StateCodec() {}

    static void writeNode(ByteWriter out, NodeState state) {
        writeSettings(out, state.settings());
        out.i64(state.random().state());
        RaftStateCodec.write(out, state.raft());
        ClusterCodec.writeState(out, state.cluster());
        Words.writePosition(out, state.applied());
        InstanceCodec.writeRecord(out, state.instance());
        InstanceCodec.writeObservation(out, state.observed());
        out.bool(state.seen());
        out.bool(state.endSeen());
        writeGate(out, state.gate());
        writeErrand(out, state.errand());
        out.str(state.hold());
        out.map(state.peers(), Words::writeNode, StateCodec::writePeer);
        writeLeadership(out, state.leadership());
        writeTold(out, state.told());
        out.map(state.requests(), ByteWriter::i64, StateCodec::writeRequest);
        out.i64(state.nextTicket());
    }

    private static void writeSettings(ByteWriter out, Settings settings) {
        Words.writeNode(out, settings.self());
        out.list(settings.listed(), StateCodec::writeListed);
        out.u32(settings.electionTimeoutMillis());
        out.u32(settings.priority());
        out.u32(settings.crashRestartGraceMillis());
        out.i64(settings.maxFailoverLagBytes());
        HostEventCodec.writeSync(out, settings.sync());
        out.bool(settings.witness());
        out.str(settings.version());
        HostEventCodec.writeCollation(out, settings.collation());
        out.bool(settings.preStart());
        out.i64(settings.wallClockOffsetMillis());
    }

    private static void writeListed(ByteWriter out, ListedNode node) {
        Words.writeNode(out, node.node());
        out.str(node.host());
        out.u32(node.port());
        out.u32(node.raftPort());
    }

    private static void writeGate(ByteWriter out, Gate gate) {
        out.optional(gate.requested(), Words::writeTerm);
        out.optional(gate.sealed(), Words::writeTerm);
        out.bool(gate.stuck());
        Words.writeTimeline(out, gate.following());
        Words.writeTerm(out, gate.followingTerm());
        out.optional(gate.upstream(), Words::writeNode);
    }

    private static void writeErrand(ByteWriter out, Errand errand) {
        Words.writeTimeline(out, errand.promotingTo());
        out.i64(errand.sinceMillis());
        out.bool(errand.restarting());
        out.u8(HostEventCodec.workNumber(errand.work()));
        out.str(errand.progress());
    }

    private static void writePeer(ByteWriter out, Peer peer) {
        out.bool(peer.connected());
        out.optional(peer.voter(), Words::writeVoter);
        out.str(peer.clusterId());
        out.optional(peer.status(), EnvelopeCodec::writeStatus);
        out.i64(peer.heardAtMillis());
        out.i64(peer.idleSinceMillis());
        out.i64(peer.levelAtMillis());
        out.i64(peer.confirmedAtMillis());
    }

    private static void writeLeadership(ByteWriter out, Leadership leadership) {
        Words.writeTerm(out, leadership.term());
        out.i64(leadership.sinceMillis());
        out.bool(leadership.summoned());
        out.i64(leadership.vacancy());
        out.list(leadership.tried(), Words::writeNode);
        out.i64(leadership.triedAtMillis());
        out.i64(leadership.graceSinceMillis());
        out.u32(leadership.rule());
        out.str(leadership.ruleText());
        out.bool(leadership.appointing());
        out.bool(leadership.recordingFork());
        out.optional(leadership.leaving(), StateCodec::writeLeaving);
        out.bool(leadership.lossAllowed());
        writeSyncing(out, leadership.syncing());
        out.i64(leadership.ailingSinceMillis());
    }

    private static void writeLeaving(ByteWriter out, Leaving leaving) {
        Words.writeNode(out, leaving.target());
        out.i64(leaving.sinceMillis());
        Words.writeLsn(out, leaving.written());
    }

    private static void writeSyncing(ByteWriter out, Syncing syncing) {
        out.optional(syncing.target(), ClusterCodec::writeSync);
        out.bool(syncing.demanded());
        out.bool(syncing.proposed());
        Words.writeLsn(out, syncing.appliedAt());
        Words.writeLsn(out, syncing.mustReach());
        out.bool(syncing.reached());
        out.i64(syncing.starvedSinceMillis());
        out.i64(syncing.reliefSinceMillis());
    }

    private static void writeTold(ByteWriter out, Told told) {
        out.i64(told.leaseUntilMillis());
        out.str(told.leaseWhy());
        out.bool(told.leaseQuorum());
        out.bool(told.closedSeen());
        out.i64(told.statusAtMillis());
        out.str(told.statusKey());
        out.i64(told.publishedAtMillis());
        out.str(told.publishedKey());
        out.str(told.settledKey());
        out.i64(told.ordersAtMillis());
        out.str(told.ordersKey());
        out.str(told.slots());
        out.i64(told.slotsAtMillis());
        out.list(told.admitted(), ByteWriter::str);
        Words.writeTimeline(out, told.checkpointed());
        out.i64(told.identityToldAtMillis());
        out.i64(told.floorAtMillis());
        Words.writeLsn(out, told.floor());
        out.str(told.sync());
        out.i64(told.syncAtMillis());
        out.bool(told.reads());
        out.str(told.collation());
    }

    private static void writeRequest(ByteWriter out, Request request) {
        out.i64(request.id());
        out.optional(request.origin(), Words::writeNode);
        out.bool(request.lossAllowed());
        out.str(request.refusal());
        out.i64(request.sinceMillis());
    }
}
