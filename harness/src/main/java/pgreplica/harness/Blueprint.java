package pgreplica.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import pgreplica.harness.run.Json;
import pgreplica.harness.run.Loopback;
import pgreplica.harness.run.Namespaces;
import pgreplica.harness.run.Network;
import pgreplica.harness.run.PgInstall;
import pgreplica.harness.run.ServerCopy;

/**
 * What a cluster was made of: everything that a command in another shell needs to know. It is kept in the cluster's
 * home, readable by its owner only, since it holds passwords.
 */
public record Blueprint(String name, Path home, String version, Network network, Options options,
        Map<String, String> settings, Passwords passwords, List<NodeSpec> nodes) {

    public static final String FILE = "cluster.json";

    /** {@code plain}: ordinary servers without the extension, each for itself. */
    public record Options(boolean plain, boolean checksums, boolean fsync, boolean configInside, String superuser) {}

    /** Of the superuser, of the replication role, and of the role that applications use. */
    public record Passwords(String superuser, String replication, String application) {}

    public static final String REPLICATION = "replicator";
    public static final String APPLICATION = "app";

    public NodeFiles files(NodeSpec node) {
        return new NodeFiles(home.resolve(node.name()), options.configInside());
    }

    /** The server's programs: the cluster's own copy if it has one. */
    public PgInstall install() {
        var installed = PgInstall.find(version);
        var copy = serverCopy();
        return ServerCopy.exists(copy.root()) ? copy.install(installed) : installed;
    }

    ServerCopy serverCopy() {
        return new ServerCopy(home.resolve("server"));
    }

    boolean needsExtension() {
        return !options.plain() || settings.getOrDefault("shared_preload_libraries", "").contains("pg_replica");
    }

    /** The value of pg_replica.nodes. */
    public String nodeList() {
        return String.join(",", nodes.stream().map(NodeSpec::listed).toList());
    }

    public static Blueprint read(Path home) {
        var file = home.resolve(FILE);
        try {
            return decode(Json.readObject(Files.readString(file)));
        } catch (IOException failure) {
            throw new HarnessException("there is no cluster in " + home + ": cannot read " + FILE
                    + ". Start one with: ./dev cluster up", failure);
        }
    }

    /** Replaces the file in one go: another shell reads the old or the new one. */
    public void write() {
        try {
            var draft = home.resolve(FILE + ".new");
            Files.writeString(draft, Json.write(encode()));
            Files.setPosixFilePermissions(draft, PosixFilePermissions.fromString("rw-------"));
            Files.move(draft, home.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failure) {
            throw new HarnessException("cannot write " + FILE + " in " + home + ": " + failure.getMessage(), failure);
        }
    }

    private Map<String, Object> encode() {
        var json = new LinkedHashMap<String, Object>();
        json.put("name", name);
        json.put("home", home);
        json.put("version", version);
        json.put("subnet", network instanceof Namespaces spaces ? spaces.subnet() : 0);
        json.put("plain", options.plain());
        json.put("checksums", options.checksums());
        json.put("fsync", options.fsync());
        json.put("configInside", options.configInside());
        json.put("superuser", options.superuser());
        json.put("settings", settings);
        json.put("passwords", List.of(passwords.superuser(), passwords.replication(), passwords.application()));
        var encoded = new ArrayList<Object>();
        for (var node : nodes) {
            encoded.add(List.of(node.name(), node.number(), node.host(), node.port(), node.raftPort()));
        }
        json.put("nodes", encoded);
        return json;
    }

    private static Blueprint decode(Map<String, Object> json) {
        int subnet = number(json.get("subnet"));
        Network network = subnet == 0 ? new Loopback() : new Namespaces("pgr" + subnet, subnet);
        var options = new Options((Boolean) json.get("plain"), (Boolean) json.get("checksums"),
                (Boolean) json.get("fsync"), (Boolean) json.get("configInside"), (String) json.get("superuser"));
        var settings = new LinkedHashMap<String, String>();
        Json.object(json.get("settings")).forEach((setting, value) -> settings.put(setting, (String) value));
        var secrets = (List<?>) json.get("passwords");
        var nodes = new ArrayList<NodeSpec>();
        for (var item : (List<?>) json.get("nodes")) {
            var fields = (List<?>) item;
            nodes.add(new NodeSpec((String) fields.get(0), number(fields.get(1)), (String) fields.get(2),
                    number(fields.get(3)), number(fields.get(4))));
        }
        return new Blueprint((String) json.get("name"), Path.of((String) json.get("home")), (String) json.get("version"),
                network, options, settings,
                new Passwords((String) secrets.get(0), (String) secrets.get(1), (String) secrets.get(2)), nodes);
    }

    private static int number(Object value) {
        return ((Number) value).intValue();
    }
}
