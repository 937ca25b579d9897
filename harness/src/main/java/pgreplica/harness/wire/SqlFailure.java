package pgreplica.harness.wire;

/** The server refused a statement or a connection. */
public final class SqlFailure extends Exception {
    private static final long serialVersionUID = 1L;

    private final String sqlState;

    public SqlFailure(String sqlState, String message) {
        super(message);
        this.sqlState = sqlState;
    }

    public String sqlState() {
        return sqlState;
    }
}
