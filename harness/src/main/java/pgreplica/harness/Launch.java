package pgreplica.harness;

import java.util.List;
import java.util.function.UnaryOperator;

/**
 * How an operator runs a server: what becomes of the plain command.
 *
 * @param inside as the server's own user
 * @param outside as ourselves, around the change of user
 */
public record Launch(UnaryOperator<List<String>> inside, UnaryOperator<List<String>> outside) {
    public static final Launch PLAIN = new Launch(command -> command, command -> command);

    public static Launch inside(UnaryOperator<List<String>> wrapping) {
        return new Launch(wrapping, command -> command);
    }

    public static Launch outside(UnaryOperator<List<String>> wrapping) {
        return new Launch(command -> command, wrapping);
    }
}
