package pgreplica.entry;

/** What went wrong, in ASCII, short enough for one log line: the exception, its causes, where each was thrown. */
final class FailureText {
    private static final int FRAMES = 8;
    private static final int CAUSES = 3;

    private FailureText() {}

    static byte[] of(Throwable failure) {
        var text = new StringBuilder();
        var current = failure;
        for (int depth = 0; current != null && depth < CAUSES; depth++) {
            if (depth > 0) text.append("; caused by ");
            describe(text, current);
            current = current.getCause();
        }
        return ascii(text);
    }

    private static void describe(StringBuilder text, Throwable failure) {
        text.append(failure.getClass().getName());
        if (failure.getMessage() != null) text.append(": ").append(failure.getMessage());

        var frames = failure.getStackTrace();
        int first = 0;
        // In the C build the trace begins with the constructors of the exception itself.
        while (first < frames.length && isConstruction(frames[first])) first++;
        for (int i = first; i < frames.length && i < first + FRAMES; i++) {
            text.append(i == first ? " at " : " < ")
                    .append(frames[i].getClassName()).append('.').append(frames[i].getMethodName())
                    .append(':').append(frames[i].getLineNumber());
        }
    }

    private static boolean isConstruction(StackTraceElement frame) {
        return frame.getMethodName().equals("<init>") || frame.getMethodName().equals("fillInStackTrace");
    }

    private static byte[] ascii(StringBuilder text) {
        var bytes = new byte[text.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = text.charAt(i);
            bytes[i] = (byte) (c >= ' ' && c < 127 ? c : '?');
        }
        return bytes;
    }
}
