package pgreplica.harness.run;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import pgreplica.harness.HarnessException;

/** JSON as maps, lists, strings, numbers and booleans. */
public final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();

    private Json() {}

    public static String write(Object value) {
        var text = new StringWriter();
        try (var generator = FACTORY.createGenerator(text)) {
            generator.useDefaultPrettyPrinter();
            write(generator, value);
        } catch (IOException impossible) {
            throw new HarnessException("cannot write JSON: " + impossible.getMessage(), impossible);
        }
        return text + "\n";
    }

    /** An object's members in their order. */
    public static Map<String, Object> readObject(String text) {
        try (var parser = FACTORY.createParser(text)) {
            parser.nextToken();
            if (!(read(parser) instanceof Map<?, ?> members)) throw new HarnessException("JSON text is not an object");
            return object(members);
        } catch (IOException malformed) {
            throw new HarnessException("malformed JSON: " + malformed.getMessage(), malformed);
        }
    }

    /** A member that is itself an object. */
    public static Map<String, Object> object(Object value) {
        var typed = new LinkedHashMap<String, Object>();
        ((Map<?, ?>) value).forEach((name, member) -> typed.put((String) name, member));
        return typed;
    }

    private static void write(JsonGenerator generator, Object value) throws IOException {
        switch (value) {
            case null -> generator.writeNull();
            case Map<?, ?> members -> {
                generator.writeStartObject();
                for (var member : members.entrySet()) {
                    generator.writeFieldName((String) member.getKey());
                    write(generator, member.getValue());
                }
                generator.writeEndObject();
            }
            // A path is a sequence of its names, each of which is a path.
            case Path path -> generator.writeString(path.toString());
            case Iterable<?> items -> {
                generator.writeStartArray();
                for (var item : items) write(generator, item);
                generator.writeEndArray();
            }
            case Boolean truth -> generator.writeBoolean(truth);
            case Integer number -> generator.writeNumber(number);
            case Long number -> generator.writeNumber(number);
            case Double number -> generator.writeNumber(number);
            default -> generator.writeString(value.toString());
        }
    }

    private static Object read(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> readMembers(parser);
            case START_ARRAY -> readItems(parser);
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            case VALUE_NUMBER_INT -> parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_STRING -> parser.getText();
            case NOT_AVAILABLE, END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT ->
                    throw new HarnessException("unexpected JSON token " + parser.currentToken());
        };
    }

    private static Map<String, Object> readMembers(JsonParser parser) throws IOException {
        var members = new LinkedHashMap<String, Object>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var name = parser.currentName();
            parser.nextToken();
            members.put(name, read(parser));
        }
        return members;
    }

    private static List<Object> readItems(JsonParser parser) throws IOException {
        var items = new ArrayList<Object>();
        while (parser.nextToken() != JsonToken.END_ARRAY) items.add(read(parser));
        return items;
    }
}
