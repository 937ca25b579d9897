package pgreplica.codec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.function.Function;

/**
 * Bytes as a release wrote them, kept in a file, and what they mean.
 *
 * @param name of the file below the folder of the release
 * @param written by this release for {@code meaning}; compared only while the format is still that release's
 */
record Golden(String name, Object meaning, byte[] written, Function<byte[], Object> decode) {
    private static final Path FOLDER = Path.of("src", "test", "goldens");
    private static final int BYTES_PER_LINE = 32;

    /** With -Dpgreplica.goldens=write: makes what is missing. What is there is never written again. */
    byte[] kept(String release) throws IOException {
        var file = FOLDER.resolve(release).resolve(name + ".hex");
        if (!Files.exists(file) && "write".equals(System.getProperty("pgreplica.goldens"))) {
            Files.createDirectories(file.getParent());
            Files.writeString(file, text(written));
        }
        if (!Files.exists(file)) throw new AssertionError(file + " is missing: ./dev goldens writes it");
        return HexFormat.of().parseHex(Files.readString(file).replaceAll("\\s", ""));
    }

    Object decoded(byte[] bytes) {
        return decode.apply(bytes);
    }

    private static String text(byte[] bytes) {
        var hex = HexFormat.of().formatHex(bytes);
        return hex.replaceAll("(.{" + 2 * BYTES_PER_LINE + "})", "$1\n").strip() + "\n";
    }
}
