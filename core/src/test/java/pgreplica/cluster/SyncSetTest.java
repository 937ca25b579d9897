package pgreplica.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import pgreplica.base.InvariantViolation;
import pgreplica.base.NodeId;
import pgreplica.cluster.SyncSet.Member;

/** The rule behind every change of the sync set, against what it is for: every election meets every commit (P3). */
class SyncSetTest {
    private static final int NODES = 5;

    /** A9: what replaced a member's data has promised nothing. */
    @Test void aMemberIsOneLifeOfItsData() {
        var members = new TreeSet<SyncSet.Member>();
        members.add(new SyncSet.Member(new NodeId("n1"), 1));
        members.add(new SyncSet.Member(new NodeId("n2"), 1));
        var set = new SyncSet(members, 1);
        assertThat(set.has(new NodeId("n2"), 1)).isTrue();
        assertThat(set.has(new NodeId("n2"), 2)).isFalse();
    }

    /** Safety rule A8, exactly: tried over every setting of Postgres and every entry of the log for five nodes. */
    @Test void aSettingMayRunUnderAnEntryIfAndOnlyIfEveryCommitIsInEveryReportQuorum() {
        int allowed = 0;
        for (var setting : everySet()) {
            for (var entry : everySet()) {
                assertThat(setting.mayRunUnder(entry)).as(setting + " under " + entry)
                        .isEqualTo(entry.standbys() == 0 || everyReportQuorumMeetsEveryCommit(setting, entry));
                if (setting.mayRunUnder(entry)) allowed++;
            }
        }
        assertThat(allowed).isBetween(1, everySet().size() * everySet().size() - 1);
    }

    @Test void anElectionNeedsAllMembersWhenCommitsWaitForNobody() {
        assertThat(set(0b111, 0).reportsNeeded()).isEqualTo(3);
        assertThat(set(0b111, 1).reportsNeeded()).isEqualTo(2);
        assertThat(SyncSet.NONE.reportsNeeded()).isZero();
    }

    @Test void aCommitWaitsForOthersOnly() {
        assertThat(set(0b111, 2).standbys()).isEqualTo(2);
        assertThatThrownBy(() -> set(0b111, 3)).isInstanceOf(InvariantViolation.class);
        assertThatThrownBy(() -> set(0b111, -1)).isInstanceOf(InvariantViolation.class);
        assertThatThrownBy(() -> new SyncSet(new TreeSet<>(), 1)).isInstanceOf(InvariantViolation.class);
    }

    @Test void itChangesInOneThingAtATime() {
        var two = set(0b011, 1);
        var third = new Member(new NodeId("n2"), 2);
        assertThat(two.with(third)).isEqualTo(set(0b111, 1));
        assertThat(two.with(third).without(third)).isEqualTo(two);
        assertThat(two.with(third).withStandbys(2)).isEqualTo(set(0b111, 2));
        assertThat(two.waits()).isTrue();
        assertThat(set(0b111, 0).waits()).isFalse();
    }

    @Test void itIsLoggedWithEveryMember() {
        var members = new TreeSet<>(List.of(new Member(new NodeId("n1"), 7), new Member(new NodeId("n2"), 8)));
        assertThat(new SyncSet(members, 1)).hasToString("1 standbys of the set {n1/7, n2/8}");
    }

    /** The primary is node 0 and in every set; a commit is on it and on some {@code standbys} others of the setting. */
    private static boolean everyReportQuorumMeetsEveryCommit(SyncSet setting, SyncSet entry) {
        for (int commit = 0; commit < 1 << NODES; commit++) {
            boolean possible = (commit & 1) != 0 && Integer.bitCount(commit) == setting.standbys() + 1
                    && (commit & ~bits(setting)) == 0;
            if (!possible) continue;
            for (int reports = 0; reports < 1 << NODES; reports++) {
                boolean enough = (reports & ~bits(entry)) == 0 && Integer.bitCount(reports) >= entry.reportsNeeded();
                if (enough && (reports & commit) == 0) return false;
            }
        }
        return true;
    }

    private static List<SyncSet> everySet() {
        var all = new ArrayList<SyncSet>();
        for (int members = 1; members < 1 << NODES; members += 2) {
            for (int standbys = 0; standbys < Integer.bitCount(members); standbys++) all.add(set(members, standbys));
        }
        return all;
    }

    private static SyncSet set(int bits, int standbys) {
        var members = new TreeSet<Member>();
        for (int i = 0; i < NODES; i++) {
            if ((bits & 1 << i) != 0) members.add(new Member(new NodeId("n" + i), i));
        }
        return new SyncSet(members, standbys);
    }

    private static int bits(SyncSet set) {
        int bits = 0;
        for (var member : set.members()) bits |= 1 << (int) member.incarnation();
        return bits;
    }
}
