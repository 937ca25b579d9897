package pgreplica.clustertests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A port that leads to another one and can be made long: whatever is sent then takes its time, each way. */
final class SlowLink implements AutoCloseable {
    private final InetSocketAddress end;
    private volatile Duration delay = Duration.ZERO;
    private final ServerSocket entrance;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    SlowLink(String host, int port) {
        end = new InetSocketAddress(host, port);
        try {
            entrance = new ServerSocket(0, 50, InetAddress.getByName(host));
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        Thread.ofPlatform().daemon().start(this::admit);
    }

    int port() {
        return entrance.getLocalPort();
    }

    /** Who is connected has to connect again, over the long way. */
    void lengthen(Duration oneWay) {
        delay = oneWay;
        forget(open.toArray(Socket[]::new));
    }

    private void admit() {
        try {
            while (true) lead(entrance.accept());
        } catch (IOException closed) {
            close();
        }
    }

    private void lead(Socket near) throws IOException {
        var far = new Socket();
        try {
            far.connect(end);
            near.setTcpNoDelay(true);
            far.setTcpNoDelay(true);
        } catch (IOException refused) {
            near.close();
            far.close();
            return;
        }
        open.add(near);
        open.add(far);
        Thread.ofPlatform().daemon().start(() -> carry(near, far));
        Thread.ofPlatform().daemon().start(() -> carry(far, near));
    }

    private void carry(Socket from, Socket to) {
        try (var line = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory())) {
            var buffer = new byte[1 << 16];
            for (int length; (length = read(from, buffer)) >= 0; ) {
                var bytes = Arrays.copyOf(buffer, length);
                line.schedule(() -> write(to, bytes), delay.toNanos(), TimeUnit.NANOSECONDS);
            }
            line.schedule(() -> forget(from, to), delay.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private static int read(Socket from, byte[] buffer) {
        try {
            return from.getInputStream().read(buffer);
        } catch (IOException ended) {
            return -1;
        }
    }

    private void write(Socket to, byte[] bytes) {
        try {
            to.getOutputStream().write(bytes);
        } catch (IOException ended) {
            forget(to);
        }
    }

    private void forget(Socket... sockets) {
        for (var socket : sockets) {
            open.remove(socket);
            try {
                socket.close();
            } catch (IOException closed) {
                // It is gone either way.
            }
        }
    }

    @Override public void close() {
        try {
            entrance.close();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        forget(open.toArray(Socket[]::new));
    }
}
