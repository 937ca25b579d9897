package pgreplica.base;

import static pgreplica.base.Invariant.check;

/** Division that cannot raise SIGFPE in the C build, where an integer division by zero ends the process. */
public final class Division {
    private Division() {}

    public static long quotient(long dividend, long divisor) {
        check(divisor > 0, "a divisor is positive");
        return dividend / divisor;
    }

    public static long remainder(long dividend, long divisor) {
        check(divisor > 0, "a divisor is positive");
        return dividend % divisor;
    }
}
