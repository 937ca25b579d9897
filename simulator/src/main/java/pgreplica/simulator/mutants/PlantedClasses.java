package pgreplica.simulator.mutants;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Our classes with a bug in them, apart from the same ones without: what they share is JUnit, already warm. */
final class PlantedClasses extends URLClassLoader {
    private static final String OURS = "pgreplica.";

    PlantedClasses(Path planted) {
        super(urls(planted), PlantedClasses.class.getClassLoader());
    }

    private static URL[] urls(Path planted) {
        var places = new ArrayList<URL>();
        try {
            places.add(planted.toUri().toURL());
            for (var place : System.getProperty("java.class.path").split(":")) places.add(Path.of(place).toUri().toURL());
        } catch (MalformedURLException impossible) {
            throw new IllegalStateException(impossible);
        }
        return places.toArray(URL[]::new);
    }

    @Override protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(OURS)) return super.loadClass(name, resolve);
        synchronized (getClassLoadingLock(name)) {
            var loaded = findLoadedClass(name);
            return loaded != null ? loaded : findClass(name);
        }
    }

    /** Runs JUnit here; a bug can make a test run for ever, and then its thread goes on alone. */
    String test(String[] arguments, int patienceSeconds) throws IOException {
        var task = new FutureTask<>(() -> {
            var run = loadClass(OURS + "simulator.mutants.TestRun").getDeclaredMethod("run", String[].class);
            run.setAccessible(true);
            return (String) run.invoke(null, (Object) arguments);
        });
        var thread = Thread.ofPlatform().daemon().unstarted(task);
        thread.setContextClassLoader(this);
        thread.start();
        try {
            return task.get(patienceSeconds, TimeUnit.SECONDS);
        } catch (TimeoutException endless) {
            return "FAILED a test does not end";
        } catch (InterruptedException | ExecutionException broken) {
            throw new IOException(broken);
        }
    }
}
