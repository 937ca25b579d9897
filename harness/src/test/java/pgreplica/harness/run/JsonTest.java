package pgreplica.harness.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;

import org.junit.jupiter.api.Test;

class JsonTest {
    @Test void whatIsWrittenIsReadBack() {
        var object = new LinkedHashMap<String, Object>();
        object.put("text", "quote \" and line\n");
        object.put("number", 4294967296L);
        object.put("truth", true);
        object.put("nothing", null);
        object.put("list", new ArrayList<Object>(List.of("a", 1L, List.of())));
        assertThat(Json.readObject(Json.write(object))).isEqualTo(object);
    }

    @Test void aPathIsText() {
        assertThat(Json.write(Path.of("/a/b"))).isEqualTo("\"/a/b\"\n");
    }
}
