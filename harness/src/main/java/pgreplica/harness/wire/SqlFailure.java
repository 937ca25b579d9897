package pgreplica.harness.wire;

/** The server refused a statement or a connection. */
public final class SqlFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private final String sqlState;
    private final boolean fatal;

    public SqlFailure(String sqlState, String message, boolean fatal) {
        super(message);
        this.sqlState = sqlState;
        this.fatal = fatal;
    }

    /** The session has ended with it, and what became of the statement is not known. */
    public boolean isFatal() {
        return fatal;
    }

    public String sqlState() {
        return sqlState;
    }
}
