package pgreplica.entry.subset;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/** Everything that a class file uses. */
final class Bytecode {
    private final List<Use> uses = new ArrayList<>();
    private final ClassModel type;
    private final String name;
    private final boolean isEnum;

    private Bytecode(ClassModel type) {
        this.type = type;
        this.name = type.thisClass().asInternalName();
        this.isEnum = type.flags().has(AccessFlag.ENUM);
    }

    static List<Use> usesOf(Path classFile) {
        try {
            return usesOf(Files.readAllBytes(classFile));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    static List<Use> usesOf(byte[] classFile) {
        var bytecode = new Bytecode(ClassFile.of().parse(classFile));
        bytecode.read();
        return bytecode.uses;
    }

    private void read() {
        var head = new Use.Place(name, isEnum, "(declaration)", 0);
        type.superclass().ifPresent(parent -> uses.add(new Use.Type(head, parent.asInternalName())));
        type.interfaces().forEach(parent -> uses.add(new Use.Type(head, parent.asInternalName())));
        for (var field : type.fields()) {
            var place = new Use.Place(name, isEnum, field.fieldName().stringValue(), 0);
            uses.add(new Use.Field(place, name, field.fieldName().stringValue(), field.fieldType().stringValue()));
            addType(place, field.fieldTypeSymbol());
        }
        type.methods().forEach(this::read);
    }

    private void read(MethodModel method) {
        var methodName = method.methodName().stringValue();
        var place = new Use.Place(name, isEnum, methodName, 0);
        uses.add(new Use.Call(place, name, "(declaration)", method.methodType().stringValue()));
        addTypes(place, method.methodTypeSymbol());
        if (method.code().isEmpty()) return;

        var pushed = OptionalLong.empty();
        for (var element : method.code().get()) {
            switch (element) {
                case LineNumber line -> place = new Use.Place(name, isEnum, methodName, line.line());
                case Instruction instruction -> {
                    add(place, instruction, pushed);
                    pushed = constantOf(instruction);
                }
                default -> { }
            }
        }
    }

    private static OptionalLong constantOf(Instruction instruction) {
        return instruction instanceof ConstantInstruction constant
                && (constant.constantValue() instanceof Integer || constant.constantValue() instanceof Long)
                ? OptionalLong.of(((Number) constant.constantValue()).longValue()) : OptionalLong.empty();
    }

    private void add(Use.Place place, Instruction instruction, OptionalLong pushed) {
        uses.add(new Use.Instruction(place, instruction.opcode().name(), pushed));
        switch (instruction) {
            case InvokeInstruction call -> {
                uses.add(new Use.Call(place, call.owner().asInternalName(), call.name().stringValue(),
                        call.type().stringValue()));
                addTypes(place, call.typeSymbol());
            }
            case InvokeDynamicInstruction call -> add(place, call);
            case FieldInstruction field -> uses.add(new Use.Field(place, field.owner().asInternalName(),
                    field.name().stringValue(), field.type().stringValue()));
            case NewObjectInstruction made -> uses.add(new Use.Type(place, made.className().asInternalName()));
            case NewReferenceArrayInstruction made -> addType(place, made.componentType().asSymbol());
            case NewMultiArrayInstruction made -> addType(place, made.arrayType().asSymbol());
            case TypeCheckInstruction check -> addType(place, check.type().asSymbol());
            default -> { }
        }
    }

    /** A method reference is a call that happens later. */
    private void add(Use.Place place, InvokeDynamicInstruction call) {
        addTypes(place, call.typeSymbol());
        for (var argument : call.bootstrapArgs()) {
            if (argument instanceof java.lang.constant.DirectMethodHandleDesc handle) {
                uses.add(new Use.Call(place, internalName(handle.owner()), handle.methodName(),
                        handle.lookupDescriptor()));
            }
        }
    }

    private void addTypes(Use.Place place, MethodTypeDesc descriptor) {
        addType(place, descriptor.returnType());
        descriptor.parameterList().forEach(parameter -> addType(place, parameter));
    }

    private void addType(Use.Place place, ClassDesc described) {
        var item = described;
        while (item.isArray()) item = item.componentType();
        if (!item.isPrimitive()) uses.add(new Use.Type(place, internalName(item)));
    }

    private static String internalName(ClassDesc described) {
        var descriptor = described.descriptorString();
        return described.isClassOrInterface() ? descriptor.substring(1, descriptor.length() - 1) : descriptor;
    }
}
