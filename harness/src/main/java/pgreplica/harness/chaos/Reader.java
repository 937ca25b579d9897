package pgreplica.harness.chaos;

import java.io.IOException;
import java.util.BitSet;
import java.util.TreeMap;

import pgreplica.checker.Ids;
import pgreplica.checker.Read;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;
import pgreplica.harness.wire.SqlFailure;

/** A client without privileges that reads the newest lists on the primary, again and again. */
final class Reader implements Runnable {
    private static final long PACE_MILLIS = 40;

    private final Board board;
    private final String name;
    /** Otherwise it connects anew for each read, and so is among the first on a server that has just started. */
    private final boolean staysConnected;

    Reader(Board board, String name, boolean staysConnected) {
        this.board = board;
        this.name = name;
        this.staysConnected = staysConnected;
    }

    @Override public void run() {
        while (!board.isStopping()) {
            for (var node : board.nodes()) {
                if (!board.isStopping()) readFrom(node);
            }
            board.pause(PACE_MILLIS);
        }
    }

    private void readFrom(Node node) {
        try {
            var session = Session.open(node.application(), Board.CONNECT_LIMIT);
            try {
                if (!session.acceptsWrites()) return;
                do {
                    board.note(read(node, session));
                    board.pause(PACE_MILLIS);
                } while (staysConnected && !board.isStopping());
            } finally {
                session.abandon();
            }
        } catch (SqlFailure | IOException failure) {
            board.count("failed reads");
        }
    }

    private Read read(Node node, Session session) throws IOException, SqlFailure {
        long began = System.nanoTime();
        var lists = new TreeMap<Integer, BitSet>();
        var wanted = board.recentLists();
        for (int list : wanted) lists.put(list, new BitSet());
        for (var row : session.query(Lists.read(wanted), Board.STATEMENT_LIMIT).values()) {
            lists.put(Integer.parseInt(row.get(0)), Ids.parse(row.get(1)));
        }
        long ended = System.nanoTime();
        // Asked after the read: open now, so open then, and nobody else was.
        boolean open = session.query("show transaction_read_only", Board.STATEMENT_LIMIT).single().equals("off");
        return new Read(name, node.name(), open, began, ended, lists);
    }
}
