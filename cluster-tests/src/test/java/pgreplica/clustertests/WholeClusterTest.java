package pgreplica.clustertests;

import static org.assertj.core.api.Assertions.assertThat;
import static pgreplica.clustertests.P.P11;
import static pgreplica.clustertests.P.P5;
import static pgreplica.clustertests.P.P7;
import static pgreplica.clustertests.P.P8;

import java.nio.file.Files;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import pgreplica.harness.Cluster;
import pgreplica.harness.Fidelity;
import pgreplica.harness.Node;
import pgreplica.harness.wire.Session;

/** Everything that Postgres holds survives failover and rejoin on every node, not only rows. */
@Tag("cluster")
@Timeout(240)
class WholeClusterTest {
    private static final String ROLES = """
            create role auditor login password 'correct horse';
            create role writers nologin;
            grant writers to auditor;
            alter role auditor set work_mem = '5MB';
            alter database app set statement_timeout = '1h'""";

    private static final String OBJECTS = """
            create extension if not exists pg_trgm;
            create schema books authorization app;
            create type books.state as enum ('open', 'closed');
            create sequence books.numbers start 1000 increment 7;
            create table books.entry (
                id int primary key default nextval('books.numbers'), state books.state not null default 'open',
                amount numeric(20, 4) check (amount >= 0), note text collate "C", made timestamptz default now());
            create index entry_note on books.entry using gin (note gin_trgm_ops);
            create unique index entry_partial on books.entry (amount) where state = 'closed';
            create table books.parts (id int, region text) partition by list (region);
            create table books.parts_north partition of books.parts for values in ('north');
            create materialized view books.totals as select count(*) as n from books.entry;
            create function books.stamp() returns trigger language plpgsql as
                $$ begin new.note := coalesce(new.note, 'stamped'); return new; end $$;
            create trigger stamp before insert on books.entry for each row execute function books.stamp();
            alter table books.entry enable row level security;
            create policy everyone on books.entry using (true);
            grant usage on schema books to writers;
            grant select, insert on books.entry to writers;
            revoke execute on function books.stamp() from public;
            insert into books.entry (amount) select i from generate_series(1, 500) i;
            insert into books.parts select i, 'north' from generate_series(1, 50) i;
            refresh materialized view books.totals;
            select lo_from_bytea(0, decode(repeat('00ff17', 5000), 'hex'));
            create table dropped_later (i int);
            drop table dropped_later""";

    @Test @Promise({P7, P11})
    void everythingIsOnEveryNodeAfterFailoverAndRejoin() throws Exception {
        try (var cluster = Cluster.of(3).start()) {
            var former = cluster.awaitPrimary();
            former.sql(ROLES);
            former.sql("app", OBJECTS);
            Checks.allNodesIdentical(cluster);
            var before = Fidelity.fingerprints(former);

            cluster.others(former).forEach(standby -> Checks.awaitReceived(standby, former));
            Checks.commitUnreplicated(former, 3);
            former.kill();
            var promoted = cluster.awaitPrimaryOtherThan(former);
            assertThat(Fidelity.fingerprints(promoted)).isEqualTo(before);

            promoted.sql("app", "insert into books.entry (amount) values (7777); alter table books.entry add column late int");
            former.start();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
            for (var node : cluster.nodes()) assertPasswordWorks(node);
        }
    }

    private static void assertPasswordWorks(Node node) throws Exception {
        var application = node.application();
        var auditor = new pgreplica.harness.wire.Target(application.host(), application.port(), "app", "auditor", "correct horse");
        try (var session = Session.open(auditor, Cluster.PRIMARY_LIMIT)) {
            assertThat(session.query("select count(*) from books.entry where amount = 7777", Cluster.PRIMARY_LIMIT).single())
                    .isEqualTo("1");
        }
    }

    /**
     * Configuration files in the data directory are overwritten by rewind and clone with those of another node, which
     * has another name, other ports and other directories.
     */
    @ParameterizedTest @ValueSource(booleans = {true, false}) @Promise({P7, P11})
    void aNodeKeepsItsOwnSettings(boolean clone) {
        try (var cluster = Cluster.of(3).configInside().start()) {
            var former = cluster.awaitPrimary();
            Checks.commitUnreplicated(former, 3);
            former.kill();
            cluster.awaitPrimaryOtherThan(former);
            if (clone) {
                former.wipeData();
            }
            former.start().awaitStreaming(Cluster.WHOLE_LIMIT);
            assertThat(former.sql("select current_setting('pg_replica.node_name') || ' ' || current_setting('port')").single())
                    .isEqualTo(former.name() + " " + former.spec().port());
            cluster.awaitWhole();
            former.restart();
            cluster.awaitWhole();
            Checks.allNodesIdentical(cluster);
        }
    }

    /** Terms and timelines that were used are not used again, and nobody takes data that is somebody's without being told (B13). */
    @Test @Promise({P5, P8, P11})
    void aClusterWhoseNodesAllForgotItIsFoundedAnewOnlyByAnOperator() throws Exception {
        try (var cluster = Cluster.of(3).start()) {
            var owner = cluster.awaitPrimary();
            owner.sql("app", "create table kept as select i from generate_series(1, 1000) i");
            var timeline = Integer.parseInt(owner.sql("select timeline from pg_replica.status()").single());
            cluster.nodes().forEach(Node::stop);
            cluster.nodes().forEach(Node::wipeState);
            var first = cluster.nodes().getFirst();
            long mark = first.logMark();
            cluster.nodes().forEach(Node::start);
            first.awaitLog("remove pg_replica.identity where the data is newest", mark, Cluster.PRIMARY_LIMIT);
            assertThat(first.sql("select reason from pg_replica.status()").single()).contains("belongs to a cluster already");

            cluster.nodes().forEach(Node::stop);
            Files.delete(owner.files().data().resolve("pg_replica.identity"));
            cluster.others(owner).forEach(Node::wipeData);
            cluster.nodes().forEach(Node::start);
            assertThat(cluster.awaitPrimary()).isEqualTo(owner);
            cluster.awaitWhole();
            assertThat(owner.sql("app", "select count(*) from kept").single()).isEqualTo("1000");
            assertThat(Integer.parseInt(owner.sql("select timeline from pg_replica.status()").single())).isGreaterThan(timeline);
            Checks.allNodesIdentical(cluster);
        }
    }
}
