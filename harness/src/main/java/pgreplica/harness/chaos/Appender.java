package pgreplica.harness.chaos;

import java.io.IOException;
import java.util.Optional;

import pgreplica.checker.Append;
import pgreplica.checker.Append.Outcome;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** A client that appends one id after the other to lists of its own, on whichever node accepts writes. */
final class Appender implements Runnable {
    /** How it commits, and what is done to it meanwhile. */
    enum Style {
        /** One statement, one transaction. */ PLAIN,
        /** BEGIN, INSERT, COMMIT. */ BLOCK,
        /** As PLAIN, and queries are cancelled. */ CANCELLED,
        /** As BLOCK, and the backend is terminated. */ TERMINATED,
        /** COMMIT inside of a DO block, the only place where a statement_timeout meets the wait of a commit. */ TIMED,
        /** PREPARE TRANSACTION, COMMIT PREPARED, both cancelled and terminated. */ TWO_PHASE
    }

    static final int LISTS_EACH = 10_000;
    /** Short lists: readers read whole ones. */
    private static final int LIST_LENGTH = 150;
    private static final long PACE_MILLIS = 12;
    private static final long RETRY_MILLIS = 20;

    private final Board board;
    private final int number;
    private final Style style;
    private int list;
    private int id;
    private Node node;
    private int timeline;
    /** A prepared transaction that this client must see the end of. */
    private Optional<Append> pending = Optional.empty();

    Appender(Board board, int number, Style style) {
        this.board = board;
        this.number = number;
        this.style = style;
        this.list = (number + 1) * LISTS_EACH;
    }

    @Override public void run() {
        board.startsList(number, list);
        int preferred = 0;
        while (!board.isStopping()) {
            for (int i = 0; i < board.nodes().size() && !board.isStopping(); i++) {
                int index = (preferred + i) % board.nodes().size();
                if (appendOn(board.nodes().get(index))) preferred = index;
            }
            board.pause(RETRY_MILLIS);
        }
        pending.ifPresent(board::note);
    }

    /** Appends on one node until that fails; whether it accepted writes at all. */
    private boolean appendOn(Node target) {
        try {
            var session = Session.open(target.application(), Board.CONNECT_LIMIT);
            try {
                if (!session.acceptsWrites()) return false;
                begin(target, session);
                while (!board.isStopping()) {
                    appendNext(session);
                    board.pause(PACE_MILLIS);
                }
            } finally {
                board.gone(session.backendPid());
                session.abandon();
            }
            return true;
        } catch (SqlFailure failure) {
            board.count("SQLSTATE " + failure.sqlState() + (failure.isFatal() ? " (fatal)" : ""));
            return !failure.isFatal();
        } catch (IOException failure) {
            board.count(failure.getClass().getSimpleName());
            return false;
        }
    }

    private void begin(Node target, Session session) throws IOException, SqlFailure {
        node = target;
        timeline = Integer.parseInt(session.query("select " + Lists.TIMELINE, Board.STATEMENT_LIMIT).single());
        if (style == Style.TIMED) session.query("set statement_timeout = '30ms'", Board.STATEMENT_LIMIT);
        if (style == Style.CANCELLED) board.mayBeDisturbed(session.backendPid(), false);
        if (style == Style.TERMINATED || style == Style.TWO_PHASE) board.mayBeDisturbed(session.backendPid(), true);
        if (pending.isPresent()) finishPrepared(session, pending.get());
    }

    private void appendNext(Session session) throws IOException, SqlFailure {
        if (id == LIST_LENGTH) {
            list++;
            id = 0;
            board.startsList(number, list);
        }
        id++;
        var attempt = new Append(list, id, node.name(), timeline, 0, System.nanoTime(), 0, Outcome.UNKNOWN,
                style.toString().toLowerCase());
        switch (style) {
            case PLAIN, CANCELLED -> appendInOneStatement(session, attempt);
            case BLOCK, TERMINATED -> appendInBlock(session, attempt);
            case TIMED -> appendTimed(session, attempt);
            case TWO_PHASE -> appendInTwoPhases(session, attempt);
        }
    }

    private void appendInOneStatement(Session session, Append attempt) throws IOException, SqlFailure {
        long lsn = 0;
        try {
            lsn = position(session, attempt);
        } catch (SqlFailure failure) {
            // Only the end of the session may hide a commit; an error of the statement rolled it back.
            end(attempt, failure.isFatal() ? Outcome.UNKNOWN : Outcome.REFUSED);
            throw failure;
        } catch (IOException failure) {
            end(attempt, Outcome.UNKNOWN);
            throw failure;
        }
        end(at(attempt, lsn), Outcome.ACKNOWLEDGED);
    }

    private void appendInBlock(Session session, Append attempt) throws IOException, SqlFailure {
        var told = attempt;
        boolean committing = false;
        try {
            session.query("begin", Board.STATEMENT_LIMIT);
            told = at(attempt, position(session, attempt));
            committing = true;
            session.query("commit", Board.STATEMENT_LIMIT);
        } catch (SqlFailure failure) {
            end(told, committing && failure.isFatal() ? Outcome.UNKNOWN : Outcome.REFUSED);
            throw failure;
        } catch (IOException failure) {
            end(told, committing ? Outcome.UNKNOWN : Outcome.REFUSED);
            throw failure;
        }
        end(told, Outcome.ACKNOWLEDGED);
    }

    /** An error proves nothing here: the time may have run out behind the commit. */
    private void appendTimed(Session session, Append attempt) throws IOException, SqlFailure {
        try {
            session.query("do $$ begin " + Lists.append(list, id) + "; commit; end $$", Board.STATEMENT_LIMIT);
        } catch (SqlFailure | IOException failure) {
            end(attempt, Outcome.UNKNOWN);
            throw failure;
        }
        end(attempt, Outcome.ACKNOWLEDGED);
    }

    private void appendInTwoPhases(Session session, Append attempt) throws IOException, SqlFailure {
        var told = attempt;
        boolean preparing = false;
        try {
            session.query("begin", Board.STATEMENT_LIMIT);
            told = at(attempt, position(session, attempt));
            preparing = true;
            pending = Optional.of(told);
            session.query("prepare transaction '" + name(told) + "'", Board.STATEMENT_LIMIT);
        } catch (SqlFailure failure) {
            if (preparing && failure.isFatal()) throw failure;
            pending = Optional.empty();
            end(told, Outcome.REFUSED);
            throw failure;
        } catch (IOException failure) {
            if (!preparing) end(told, Outcome.REFUSED);
            throw failure;
        }
        pending = Optional.of(ended(told, Outcome.PREPARED));
        session.query("commit prepared '" + name(told) + "'", Board.STATEMENT_LIMIT);
        pending = Optional.empty();
        end(told, Outcome.ACKNOWLEDGED);
    }

    /** The client comes back, as a transaction manager does: what is still prepared is committed. */
    private void finishPrepared(Session session, Append prepared) throws IOException, SqlFailure {
        var there = session.query("select count(*) from pg_prepared_xacts where gid = '" + name(prepared) + "'",
                Board.STATEMENT_LIMIT).single().equals("1");
        if (there) session.query("commit prepared '" + name(prepared) + "'", Board.STATEMENT_LIMIT);
        boolean committed = there || session.query(Lists.holds(prepared.list(), prepared.id()), Board.STATEMENT_LIMIT)
                .single().equals("t");
        pending = Optional.empty();
        // Acknowledged by this node now. If it is nowhere, what was promised before decides what that means.
        if (committed) end(new Append(prepared.list(), prepared.id(), node.name(), timeline, prepared.lsn(),
                prepared.sentNanos(), 0, Outcome.UNKNOWN, prepared.how()), Outcome.ACKNOWLEDGED);
        else board.note(prepared);
    }

    private static String name(Append append) {
        return append.list() + "/" + append.id();
    }

    private static long position(Session session, Append attempt) throws IOException, SqlFailure {
        return Long.parseLong(session.query(Lists.appendAndTellPosition(attempt.list(), attempt.id()),
                Board.STATEMENT_LIMIT).single());
    }

    private static Append at(Append attempt, long lsn) {
        return new Append(attempt.list(), attempt.id(), attempt.node(), attempt.timeline(), lsn, attempt.sentNanos(), 0,
                attempt.outcome(), attempt.how());
    }

    private static Append ended(Append attempt, Outcome outcome) {
        return new Append(attempt.list(), attempt.id(), attempt.node(), attempt.timeline(), attempt.lsn(),
                attempt.sentNanos(), System.nanoTime(), outcome, attempt.how());
    }

    private void end(Append attempt, Outcome outcome) {
        board.note(ended(attempt, outcome));
    }
}
