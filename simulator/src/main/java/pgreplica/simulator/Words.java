package pgreplica.simulator;

import java.util.Optional;
import pgreplica.codec.EnvelopeCodec;
import pgreplica.codec.HostAction;
import pgreplica.codec.HostEvent;
import pgreplica.codec.Malformed;
import pgreplica.instance.Observation;
import pgreplica.node.Action;
import pgreplica.node.Event;
import pgreplica.node.PeerMessage;
import pgreplica.node.PeerMessage.Directive;
import pgreplica.node.PeerMessage.NodeStatus;

/** Events and actions as a person reads them in a trace. */
public final class Words {
    private Words() {}

    public static String of(HostEvent event) {
        return switch (event) {
            case HostEvent.Start start -> "Start" + (start.settings().preStart() ? " of the pre-start child" : "");
            case HostEvent.MessageReceived(var from, var payload) -> from + ": " + message(payload);
            case HostEvent.Plain(Event.Observed(var seen)) -> "Observed " + of(seen);
            case HostEvent.Plain(Event.Sealed(var term, var closed, var seen)) ->
                    (closed ? "Sealed in term " : "NOT sealed in term ") + term + " " + of(seen);
            case HostEvent.Plain(var plain) -> plain.toString();
        };
    }

    /** Nothing for what only fills the page. */
    public static Optional<String> of(HostAction action) {
        return switch (action) {
            case HostAction.StoreReplace(var name, var content) ->
                    Optional.of("stores " + name + ", " + content.length + " bytes");
            case HostAction.StoreAppend(var name, _, var content) ->
                    Optional.of("appends " + content.length + " bytes to " + name);
            case HostAction.StoreLater _ -> Optional.empty();
            case HostAction.Send(var to, var payload) -> Optional.of(to + ": " + message(payload));
            case HostAction.Plain(Action.Log(_, var text)) -> Optional.of("LOG " + text);
            case HostAction.Plain(Action.WakeAt _), HostAction.Plain(Action.Publish _) -> Optional.empty();
            case HostAction.Plain(var plain) -> Optional.of(plain.toString());
        };
    }

    static String message(byte[] payload) {
        try {
            return of(EnvelopeCodec.decode(payload).message());
        } catch (Malformed malformed) {
            return payload.length + " unreadable bytes";
        }
    }

    public static String of(PeerMessage message) {
        return switch (message) {
            case PeerMessage.Raft(var raft) -> raft.toString();
            case PeerMessage.Status(var status) -> of(status);
            case PeerMessage.Order(var term, var directive) -> "Order[term=" + term + ", " + of(directive) + "]";
            case PeerMessage.Forward _, PeerMessage.ForwardReply _ -> message.toString();
        };
    }

    private static String of(Directive directive) {
        return switch (directive) {
            case Directive.Follow follow -> "follow " + follow.upstream() + " on " + follow.timeline();
            case Directive.Rewind rewind -> "rewind to " + rewind.source() + " on " + rewind.timeline();
            case Directive.Clone copy -> "clone " + copy.source() + ": " + copy.why();
            case Directive.Hold hold -> "hold: " + hold.why();
        };
    }

    private static String of(NodeStatus status) {
        return "Status[term " + status.term() + ", " + status.phase() + " " + status.data() + " " + status.timeline()
                + ":" + status.replayed() + (status.endProven() ? " proven" : "")
                + (status.streaming() ? " streaming" : "")
                + (status.following().number() > 0 ? " following " + status.following() : "")
                + status.sealedTerm().map(term -> " sealed in " + term).orElse("")
                + status.report().map(report -> report.isValid() ? "" : " void: " + report.voidReason()).orElse("")
                + ", " + status.state() + (status.reason().isEmpty() ? "" : ": " + status.reason()) + "]";
    }

    private static String of(Observation seen) {
        return seen.phase() + " " + seen.timeline() + ":" + seen.replayed()
                + (seen.flushed().equals(seen.replayed()) ? "" : " flushed " + seen.flushed())
                + (seen.endOfWalProven() ? " proven" : "") + (seen.streaming() ? " streaming" : "")
                + (seen.pristine() ? " pristine" : "") + (seen.checkpointOnTimeline() ? " checkpointed" : "")
                + (seen.parentTimeline().number() > 0 ? " from " + seen.parentTimeline() + ":" + seen.fork() : "")
                + " incarnation " + seen.identity().incarnation()
                + (seen.flags().equals(Observation.Flags.NONE) ? "" : " " + seen.flags())
                + (seen.receivers().isEmpty() ? "" : " " + seen.receivers());
    }
}
