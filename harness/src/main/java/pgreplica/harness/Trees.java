package pgreplica.harness;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** Removing directories. Symbolic links are removed, not followed. */
public final class Trees {
    private Trees() {}

    public static void delete(Path root) {
        if (!Files.exists(root)) return;
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override public FileVisitResult visitFileFailed(Path file, IOException failure) {
                    // A server that is just ending removes its own files meanwhile.
                    return FileVisitResult.CONTINUE;
                }

                @Override public FileVisitResult postVisitDirectory(Path directory, IOException failure) throws IOException {
                    Files.deleteIfExists(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException failure) {
            throw new HarnessException("cannot remove " + root + ": " + failure.getMessage(), failure);
        }
    }

    static void empty(Path directory) {
        try (var entries = Files.list(directory)) {
            entries.toList().forEach(Trees::delete);
        } catch (IOException failure) {
            throw new HarnessException("cannot empty " + directory + ": " + failure.getMessage(), failure);
        }
    }
}
