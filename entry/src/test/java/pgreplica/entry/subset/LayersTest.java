package pgreplica.entry.subset;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.Test;
import pgreplica.raft.Command;
import pgreplica.raft.Snapshot;

/** Who may know whom. */
class LayersTest {
    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("pgreplica");

    @Test void baseKnowsNobody() {
        classes().that().resideInAPackage("pgreplica.base..")
                .should().onlyDependOnClassesThat().resideInAnyPackage("pgreplica.base..", "java..")
                .check(CODE);
    }

    @Test void raftDoesNotKnowWhatItReplicates() {
        knowsOnly("pgreplica.raft..", "pgreplica.base..").check(CODE);
    }

    /** Except the two empty interfaces by which Raft names what it carries. */
    @Test void theReplicatedStateDoesNotKnowRaft() {
        noClasses().that().resideInAPackage("pgreplica.cluster..")
                .should().dependOnClassesThat(resideInAnyPackage("pgreplica.raft..", "pgreplica.node..")
                        .and(not(equivalentTo(Command.class))).and(not(equivalentTo(Snapshot.class))))
                .check(CODE);
    }

    @Test void theCoreKnowsNoBytes() {
        noClasses().that().resideOutsideOfPackages("pgreplica.codec..", "pgreplica.entry..")
                .should().dependOnClassesThat().resideInAnyPackage("pgreplica.codec..", "pgreplica.entry..", "org..")
                .check(CODE);
    }

    @Test void onlyTheEntryKnowsThatItIsCompiledToC() {
        noClasses().that().resideOutsideOfPackage("pgreplica.entry..")
                .should().dependOnClassesThat().resideInAPackage("org.teavm..")
                .check(CODE);
    }

    @Test void packagesFormNoCycle() {
        slices().matching("pgreplica.(*)..").should().beFreeOfCycles().check(CODE);
    }

    /** The rules above are able to fail. */
    @Test void aForbiddenDirectionIsNoticed() {
        assertThatThrownBy(() -> knowsOnly("pgreplica.entry..", "pgreplica.base..").check(CODE))
                .isInstanceOf(AssertionError.class);
    }

    private static ArchRule knowsOnly(String who, String whom) {
        return classes().that().resideInAPackage(who)
                .should().onlyDependOnClassesThat().resideInAnyPackage(who, whom, "java..");
    }
}
