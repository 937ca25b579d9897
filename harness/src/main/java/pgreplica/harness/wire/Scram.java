package pgreplica.harness.wire;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding. */
final class Scram {
    static final String MECHANISM = "SCRAM-SHA-256";
    private static final String HEADER = "n,,";

    /** Deriving a key takes some milliseconds of CPU, and clients that reconnect often would measure just that. */
    private static final Map<String, byte[]> DERIVED = new ConcurrentHashMap<>();

    private final String password;
    private final String clientFirst = "n=,r=" + nonce();
    private String serverSignature = "";

    Scram(String password) {
        this.password = password;
    }

    byte[] first() {
        return ascii(HEADER + clientFirst);
    }

    byte[] answer(byte[] challenge) throws IOException {
        var serverFirst = new String(challenge, StandardCharsets.US_ASCII);
        var parts = serverFirst.split(",");
        if (parts.length < 3) throw new IOException("malformed SCRAM challenge: " + serverFirst);
        var withoutProof = "c=" + base64(ascii(HEADER)) + "," + parts[0];
        var message = ascii(clientFirst + "," + serverFirst + "," + withoutProof);

        var salted = salted(parts[1].substring(2), Integer.parseInt(parts[2].substring(2)));
        var clientKey = hmac(salted, ascii("Client Key"));
        var proof = xor(clientKey, hmac(digest(clientKey), message));
        serverSignature = base64(hmac(hmac(salted, ascii("Server Key")), message));
        return ascii(withoutProof + ",p=" + base64(proof));
    }

    /** A server that does not know the password is not the server. */
    void verify(byte[] serverFinal) throws IOException {
        var text = new String(serverFinal, StandardCharsets.US_ASCII);
        if (!text.equals("v=" + serverSignature)) throw new IOException("the server's SCRAM signature is wrong: " + text);
    }

    private byte[] salted(String salt, int iterations) {
        return DERIVED.computeIfAbsent(password + " " + salt + " " + iterations, key -> {
            var block = Arrays.copyOf(Base64.getDecoder().decode(salt), Base64.getDecoder().decode(salt).length + 4);
            block[block.length - 1] = 1;
            var round = hmac(password.getBytes(StandardCharsets.UTF_8), block);
            var sum = round;
            for (int i = 1; i < iterations; i++) {
                round = hmac(password.getBytes(StandardCharsets.UTF_8), round);
                sum = xor(sum, round);
            }
            return sum;
        });
    }

    private static byte[] hmac(byte[] key, byte[] message) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(message);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JDK has HmacSHA256", impossible);
        }
    }

    private static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every JDK has SHA-256", impossible);
        }
    }

    private static byte[] xor(byte[] left, byte[] right) {
        var result = new byte[left.length];
        for (int i = 0; i < left.length; i++) result[i] = (byte) (left[i] ^ right[i]);
        return result;
    }

    private static String nonce() {
        var bytes = new byte[18];
        new SecureRandom().nextBytes(bytes);
        return base64(bytes);
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
