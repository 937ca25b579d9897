package pgreplica.harness.run;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

import pgreplica.harness.HarnessException;

/**
 * Each node in a network namespace of its own, all joined by a bridge in one more namespace; clients reach them
 * through a pair of interfaces that ends outside. Needs root.
 *
 * <p>A cut gives the sender a wrong, permanent link address for the receiver: packets leave and nobody takes them.
 * That is silent (no error reaches either side), works on open connections, and cuts one direction at a time. To cut
 * one port only, a rule routes what belongs to it over such an address.
 */
public record Namespaces(String id, int subnet) implements Network {
    private static final String NOBODY = "02:00:00:00:00:99";
    private static final int CLIENTS_ADDRESS = 254;
    /** Nobody has this address: what is routed over it is lost. */
    private static final int NOBODYS_ADDRESS = 253;
    private static final String NOWHERE_TABLE = "100";

    /** Takes the first subnet of 10.213.0.0/16 that no interface of this machine and no other cluster has. */
    public static Namespaces choose(Path home) {
        if (!Account.isRoot()) throw new HarnessException("network namespaces (--netns) need root");
        var addresses = Exec.run(List.of("ip", "-o", "-4", "addr"));
        var free = IntStream.range(1, 255).filter(subnet -> !addresses.contains("10.213." + subnet + ".")).boxed().toList();
        int subnet = Ports.reserveSubnet(free, home);
        return new Namespaces("pgr" + subnet, subnet);
    }

    @Override public String addressOf(int node) {
        return "10.213." + subnet + "." + (node == 0 ? CLIENTS_ADDRESS : node);
    }

    @Override public String range() {
        return "10.213." + subnet + ".0/24";
    }

    @Override public List<String> prefix(int node) {
        return List.of("nsenter", "--net=/var/run/netns/" + namespace(node));
    }

    @Override public void create(int nodes) {
        remove();
        ip("netns", "add", hub());
        in(hub(), "link", "add", "name", "bridge", "type", "bridge");
        in(hub(), "link", "set", "bridge", "up");
        ip("link", "add", "name", id, "type", "veth", "peer", "name", "clients", "netns", hub());
        in(hub(), "link", "set", "clients", "master", "bridge", "up");
        ip("addr", "add", addressOf(0) + "/24", "dev", id);
        ip("link", "set", id, "up");
        for (int node = 1; node <= nodes; node++) createNode(node);
    }

    private void createNode(int node) {
        var namespace = namespace(node);
        ip("netns", "add", namespace);
        in(namespace, "link", "add", "name", "eth0", "type", "veth", "peer", "name", "n" + node, "netns", hub());
        in(hub(), "link", "set", "n" + node, "master", "bridge", "up");
        in(namespace, "addr", "add", addressOf(node) + "/24", "dev", "eth0");
        in(namespace, "link", "set", "eth0", "up");
        in(namespace, "link", "set", "lo", "up");
    }

    @Override public void remove() {
        for (var line : Exec.run(List.of("ip", "netns", "list")).lines().toList()) {
            var name = line.split(" ")[0];
            if (name.startsWith(id + "-")) ip("netns", "del", name);
        }
        // The interface outside goes with its peer in the hub, a little later; a half-made one has none.
        Exec.attempt(List.of("ip", "link", "del", id));
        if (Exec.attempt(List.of("ip", "link", "show", id)).ok()) throw new HarnessException("cannot remove interface " + id);
    }

    @Override public void cut(int from, int to) {
        onSide(from, "neigh", "replace", addressOf(to), "lladdr", NOBODY, "nud", "permanent", "dev", device(from));
    }

    @Override public void cutPort(int from, int to, int port) {
        cut(from, NOBODYS_ADDRESS);
        onSide(from, "route", "replace", addressOf(to), "via", addressOf(NOBODYS_ADDRESS), "dev", device(from),
                "table", NOWHERE_TABLE);
        for (var end : List.of("dport", "sport")) {
            onSide(from, "rule", "add", "to", addressOf(to), "ipproto", "tcp", end, String.valueOf(port), "lookup",
                    NOWHERE_TABLE);
        }
    }

    @Override public void heal(int nodes) {
        for (int from = 0; from <= nodes; from++) {
            healPorts(from);
            for (var line : onSide(from, "neigh", "show", "dev", device(from)).lines().toList()) {
                if (line.contains(NOBODY)) onSide(from, "neigh", "del", line.split(" ")[0], "dev", device(from));
            }
        }
    }

    private void healPorts(int side) {
        for (var rule : onSide(side, "rule", "show").lines().toList()) {
            if (!rule.contains("10.213." + subnet + ".") || !rule.strip().endsWith("lookup " + NOWHERE_TABLE)) continue;
            onSide(side, "rule", "del", "pref", rule.substring(0, rule.indexOf(':')));
        }
    }

    private String device(int side) {
        return side == 0 ? id : "eth0";
    }

    private String onSide(int side, String... arguments) {
        return side == 0 ? ip(arguments) : in(namespace(side), arguments);
    }

    private String hub() {
        return id + "-hub";
    }

    private String namespace(int node) {
        return id + "-n" + node;
    }

    private static String ip(String... arguments) {
        var command = new java.util.ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        return Exec.run(command);
    }

    private static String in(String namespace, String... arguments) {
        var command = new java.util.ArrayList<>(List.of("ip", "-n", namespace));
        command.addAll(List.of(arguments));
        return Exec.run(command);
    }
}
