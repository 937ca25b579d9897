package pgreplica.checker;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Everything that clients were told, in the order in which they learned it. May be added to by many threads. */
public final class History implements AutoCloseable {
    private final List<Append> appends = new ArrayList<>();
    private final List<Read> reads = new ArrayList<>();
    private final BufferedWriter file;

    private History(BufferedWriter file) {
        this.file = file;
    }

    public static History inMemory() {
        return new History(null);
    }

    /** Also written to a new file, line by line. */
    public static History to(Path path) throws IOException {
        return new History(Files.newBufferedWriter(path));
    }

    public static History read(Path path) throws IOException {
        var history = inMemory();
        for (var line : Files.readAllLines(path)) {
            var fields = line.split(" ", -1);
            if (fields[0].equals("append")) history.add(Append.parse(fields));
            if (fields[0].equals("read")) history.add(Read.parse(fields));
        }
        return history;
    }

    public synchronized void add(Append append) {
        appends.add(append);
        write(append.line());
    }

    public synchronized void add(Read read) {
        reads.add(read);
        write(read.line());
    }

    public synchronized List<Append> appends() {
        return List.copyOf(appends);
    }

    public synchronized List<Read> reads() {
        return List.copyOf(reads);
    }

    private void write(String line) {
        if (file == null) return;
        try {
            file.write(line + "\n");
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    @Override public synchronized void close() throws IOException {
        if (file != null) file.close();
    }
}
