package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The file in a cluster's home where every acknowledged row is remembered. */
public final class Acknowledgements {
    private Acknowledgements() {}

    public static Path file(Cluster cluster) {
        return cluster.blueprint().home().resolve("acknowledged");
    }

    /** Everything that was ever acknowledged to {@code ./dev cluster write}; a line cut short by a kill is left out. */
    public static List<Acknowledgement> read(Cluster cluster) throws IOException {
        var file = file(cluster);
        if (!Files.exists(file)) return List.of();
        var text = Files.readString(file);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().map(Acknowledgement::parse).toList();
    }
}
