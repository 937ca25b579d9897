package pgreplica.harness.wire;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * A connection to a server, TCP or Unix domain, where everything has a deadline. Deadlines are per operation group:
 * whoever uses the channel sets one before a round trip.
 */
final class Channel implements AutoCloseable {
    private final SocketChannel socket;
    private final Selector selector;
    private final ByteBuffer incoming = ByteBuffer.allocate(64 * 1024).flip();
    private long deadlineNanos;

    private Channel(SocketChannel socket, Selector selector) {
        this.socket = socket;
        this.selector = selector;
    }

    static Channel open(SocketAddress address, Duration limit) throws IOException {
        boolean tcp = address instanceof InetSocketAddress;
        var socket = tcp ? SocketChannel.open() : SocketChannel.open(java.net.StandardProtocolFamily.UNIX);
        var selector = Selector.open();
        var channel = new Channel(socket, selector);
        try {
            socket.configureBlocking(false);
            if (tcp) socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            channel.allow(limit);
            boolean connected = socket.connect(address);
            while (!connected) {
                channel.await(SelectionKey.OP_CONNECT);
                connected = socket.finishConnect();
            }
            return channel;
        } catch (IOException failure) {
            channel.close();
            throw failure;
        }
    }

    static SocketAddress address(String host, int port) {
        return host.startsWith("/") ? UnixDomainSocketAddress.of(host + "/.s.PGSQL." + port)
                : new InetSocketAddress(host, port);
    }

    /** What follows must be done within this time. */
    void allow(Duration limit) {
        deadlineNanos = System.nanoTime() + limit.toNanos();
    }

    void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            if (socket.write(bytes) == 0) await(SelectionKey.OP_WRITE);
        }
    }

    /** Exactly this many bytes. */
    byte[] receive(int length) throws IOException {
        var bytes = new byte[length];
        int have = 0;
        while (have < length) {
            if (!incoming.hasRemaining()) fill();
            int part = Math.min(incoming.remaining(), length - have);
            incoming.get(bytes, have, part);
            have += part;
        }
        return bytes;
    }

    private void fill() throws IOException {
        incoming.clear();
        try {
            int got = socket.read(incoming);
            while (got == 0) {
                await(SelectionKey.OP_READ);
                got = socket.read(incoming);
            }
            if (got < 0) throw new EOFException("the server closed the connection");
        } finally {
            incoming.flip();
        }
    }

    private void await(int operation) throws IOException {
        var key = socket.keyFor(selector);
        if (key == null) key = socket.register(selector, operation);
        key.interestOps(operation);
        long millis = (deadlineNanos - System.nanoTime() + 999_999) / 1_000_000;
        if (millis <= 0) throw new SocketTimeoutException("no answer in time");
        selector.select(millis);
        selector.selectedKeys().clear();
        if (Thread.currentThread().isInterrupted()) throw new java.io.InterruptedIOException("interrupted");
    }

    @Override public void close() {
        try {
            selector.close();
            socket.close();
        } catch (IOException gone) {
            // A connection that cannot be closed is closed.
        }
    }
}
