package pgreplica.harness.wire;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A database session over PostgreSQL's protocol 3.0 with the simple query cycle. It exists because a measuring client
 * needs deadlines in milliseconds and must know for every statement whether its commit was acknowledged, which
 * drivers hide behind retries, host caches and time-outs in whole seconds.
 */
public final class Session implements AutoCloseable {
    private static final int PROTOCOL = 3 << 16;
    private static final int MAX_MESSAGE = 64 * 1024 * 1024;

    private final Channel channel;
    private final Map<String, String> parameters = new LinkedHashMap<>();
    private final List<String> notices = new ArrayList<>();
    private int backendPid;

    private Session(Channel channel) {
        this.channel = channel;
    }

    public static Session open(Target target, Duration limit) throws IOException, SqlFailure {
        var session = new Session(Channel.open(Channel.address(target.host(), target.port()), limit));
        try {
            session.startUp(target);
            return session;
        } catch (IOException | SqlFailure failure) {
            session.close();
            throw failure;
        }
    }

    /** What libpq's target_session_attrs=read-write asks of a server of version 14 or later. */
    public boolean acceptsWrites() {
        return "off".equals(parameters.get("in_hot_standby"))
                && "off".equals(parameters.get("default_transaction_read_only"));
    }

    public int backendPid() {
        return backendPid;
    }

    /** Warnings and notices so far. */
    public List<String> notices() {
        return List.copyOf(notices);
    }

    /** The last result set of the statements, as text; an SQL null is a Java null. */
    public Rows query(String sql, Duration limit) throws IOException, SqlFailure {
        channel.allow(limit);
        channel.send(new Frame('Q').text(sql).bytes());
        var rows = new Rows(List.of(), List.of());
        SqlFailure failure = null;
        while (true) {
            var message = receive();
            switch (message.type()) {
                case 'T' -> rows = new Rows(columns(message.body()), new ArrayList<>());
                case 'D' -> rows.values().add(row(message.body()));
                case 'E' -> {
                    failure = failure(message.body());
                    // After a FATAL no ReadyForQuery follows; the reason is worth more than the end of file.
                    if (failure.isFatal()) throw failure;
                }
                case 'Z' -> {
                    if (failure != null) throw failure;
                    return rows;
                }
                default -> note(message);
            }
        }
    }

    @Override public void close() {
        try {
            channel.allow(Duration.ofMillis(50));
            channel.send(new Frame('X').bytes());
        } catch (IOException gone) {
            // The goodbye is a courtesy.
        }
        channel.close();
    }

    /** Drops the connection without a word, as a client does whose host dies. */
    public void abandon() {
        channel.close();
    }

    private void startUp(Target target) throws IOException, SqlFailure {
        channel.send(new Frame('\0').number(PROTOCOL)
                .text("user").text(target.user()).text("database").text(target.database())
                .text("application_name").text("pg_replica_harness").raw(0).bytes());
        var scram = new Scram(target.password());
        while (true) {
            var message = receive();
            switch (message.type()) {
                case 'R' -> authenticate(message.body(), scram);
                case 'E' -> throw failure(message.body());
                case 'K' -> backendPid = message.body().getInt();
                case 'Z' -> {
                    return;
                }
                default -> note(message);
            }
        }
    }

    private void authenticate(ByteBuffer body, Scram scram) throws IOException {
        int kind = body.getInt();
        switch (kind) {
            case 0 -> { }
            case 10 -> channel.send(new Frame('p').text(Scram.MECHANISM).number(scram.first().length)
                    .raw(scram.first()).bytes());
            case 11 -> channel.send(new Frame('p').raw(scram.answer(remaining(body))).bytes());
            case 12 -> scram.verify(remaining(body));
            default -> throw new IOException("the server asks for authentication method " + kind
                    + ", which is neither trust nor SCRAM-SHA-256");
        }
    }

    /** Parameters and notices come at any time. */
    private void note(Message message) {
        if (message.type() == 'S') parameters.put(text(message.body()), text(message.body()));
        if (message.type() == 'N') notices.add(field(message.body(), 'C') + " " + field(message.body(), 'M'));
    }

    private record Message(char type, ByteBuffer body) {}

    private Message receive() throws IOException {
        var header = ByteBuffer.wrap(channel.receive(5));
        char type = (char) header.get();
        int length = header.getInt() - 4;
        if (length < 0 || length > MAX_MESSAGE) throw new IOException("message of " + length + " bytes announced");
        return new Message(type, ByteBuffer.wrap(channel.receive(length)));
    }

    private static List<String> columns(ByteBuffer body) {
        var columns = new ArrayList<String>();
        int count = body.getShort();
        for (int i = 0; i < count; i++) {
            columns.add(text(body));
            body.position(body.position() + 18);
        }
        return columns;
    }

    private static List<String> row(ByteBuffer body) {
        var row = new ArrayList<String>();
        int count = body.getShort();
        for (int i = 0; i < count; i++) {
            int length = body.getInt();
            if (length < 0) {
                row.add(null);
                continue;
            }
            var bytes = new byte[length];
            body.get(bytes);
            row.add(new String(bytes, StandardCharsets.UTF_8));
        }
        return row;
    }

    private static SqlFailure failure(ByteBuffer body) {
        var detail = field(body, 'D');
        var hint = field(body, 'H');
        return new SqlFailure(field(body, 'C'), field(body, 'M')
                + (detail.isEmpty() ? "" : " DETAIL: " + detail) + (hint.isEmpty() ? "" : " HINT: " + hint),
                field(body, 'V').equals("FATAL"));
    }

    /** One field of an error or a notice; the body is left as it was. */
    private static String field(ByteBuffer body, char wanted) {
        var copy = body.duplicate().rewind();
        while (copy.hasRemaining()) {
            char kind = (char) copy.get();
            if (kind == 0) break;
            var value = text(copy);
            if (kind == wanted) return value;
        }
        return "";
    }

    private static String text(ByteBuffer body) {
        int start = body.position();
        while (body.get() != 0) continue;
        return new String(body.array(), start, body.position() - 1 - start, StandardCharsets.UTF_8);
    }

    private static byte[] remaining(ByteBuffer body) {
        var bytes = new byte[body.remaining()];
        body.get(bytes);
        return bytes;
    }

    /** A message to the server; the start-up message, type 0, has no type byte. */
    private static final class Frame {
        private final char type;
        private final ByteArrayOutputStream body = new ByteArrayOutputStream();

        Frame(char type) {
            this.type = type;
        }

        Frame text(String text) {
            body.writeBytes(text.getBytes(StandardCharsets.UTF_8));
            return raw(0);
        }

        Frame number(int number) {
            body.writeBytes(ByteBuffer.allocate(4).putInt(number).array());
            return this;
        }

        Frame raw(int single) {
            body.write(single);
            return this;
        }

        Frame raw(byte[] bytes) {
            body.writeBytes(bytes);
            return this;
        }

        ByteBuffer bytes() {
            var buffer = ByteBuffer.allocate(body.size() + 5);
            if (type != 0) buffer.put((byte) type);
            return buffer.putInt(body.size() + 4).put(body.toByteArray()).flip();
        }
    }
}
