package pgreplica.entry.subset;

import java.util.OptionalLong;

/** One use of something, found in bytecode. {@code owner} and {@code name} use the spelling of the class file. */
sealed interface Use {
    /** The method that contains it; {@code declaring} in the spelling of the class file. */
    Place place();

    record Place(String declaring, boolean inEnum, String method, int line) {
        @Override public String toString() {
            return declaring.replace('/', '.') + "." + method + " line " + line;
        }
    }

    record Call(Place place, String owner, String name, String descriptor) implements Use {}

    record Field(Place place, String owner, String name, String descriptor) implements Use {}

    /** A class that is named: instantiated, cast to, extended, or part of a signature. */
    record Type(Place place, String name) implements Use {}

    /** An instruction on its own, with the constant pushed just before it, if one was. */
    record Instruction(Place place, String opcode, OptionalLong pushed) implements Use {}
}
