/*
 * prestart.c
 *		What happens before the server starts: it is made a standby's start, and
 *		ordered work is done.
 *
 * The postmaster itself only waits.  A helper in its own process group does
 * the work, a voter child keeps this node's vote alive, a third child looks
 * up names for it.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "postmaster/postmaster.h"
#include "storage/ipc.h"

#include "assistant.h"
#include "child.h"
#include "config.h"
#include "files.h"
#include "helper.h"
#include "loop.h"
#include "promote.h"
#include "restart.h"
#include "shared.h"
#include "store.h"
#include "work.h"
#include "worker.h"

#define WAIT_MS 200
#define REFORK_MS 1000
#define VOTER_END_MS 2000
#define EXTEND_MS 20000
#define LABEL_LIMIT 65536

bool		pgr_in_prestart = false;

/* PgrWork that is ordered, as far as this process knows; -1: look. */
static int	pending = -1;

typedef struct Child
{
	void		(*run) (void);
	pid_t		pid;
	int64		forked_ms;
} Child;

static void run_helper(void);
static void run_voter(void);
static void run_resolver(void);

enum
{
	HELPER,
	VOTER,
	RESOLVER,
	CHILDREN
};

static Child children[CHILDREN] = {{run_helper}, {run_voter}, {run_resolver}};

void
pgr_work_shared_init(PgrWorkShared *work)
{
	pg_atomic_init_u32(&work->work, PGR_WORK_NONE);
	pg_atomic_init_u32(&work->phase, PGR_PHASE_NONE);
	pg_atomic_init_u32(&work->attempt, 0);
	pg_atomic_init_u64(&work->done_bytes, 0);
	pg_atomic_init_u64(&work->total_bytes, 0);
	pg_atomic_init_u32(&work->voter_pid, 0);
	pg_atomic_init_u32(&work->foreign_label, 0);
	SpinLockInit(&work->mutex);
	work->order_number = 0;
	work->failure[0] = '\0';
}

/* The voter child cannot write the marker: the helper owns it. */
static void
order_in_prestart(PgrWork work, const char *source, const uint8 *identity, size_t length)
{
	PgrWorkShared *shared = &pgr_shared->restart.work;

	SpinLockAcquire(&shared->mutex);
	shared->order_work = work;
	strlcpy(shared->order_source, source, sizeof(shared->order_source));
	shared->order_identity_length = length;
	memcpy(shared->order_identity, identity, length);
	shared->order_number++;
	SpinLockRelease(&shared->mutex);
}

bool
pgr_prestart_order(PgrWork work, const char *source, const uint8 *identity,
				   size_t identity_length, const char *why, char *error, size_t error_size)
{
	PgrMarker	marker = {0};

	if (work == PGR_WORK_NONE)
		return true;
	if (identity_length > PGR_IDENTITY_MAX)
	{
		snprintf(error, error_size, "an identity of %zu bytes is longer than %d",
				 identity_length, PGR_IDENTITY_MAX);
		return false;
	}
	if (pgr_node_number(source) < 0)
	{
		snprintf(error, error_size, "node \"%s\" is not in pg_replica.nodes", source);
		return false;
	}
	if (pgr_in_prestart)
	{
		order_in_prestart(work, source, identity, identity_length);
		return true;
	}
	strlcpy(marker.node, pgr_node_name, sizeof(marker.node));
	marker.work = work;
	marker.step = PGR_STEP_ORDERED;
	strlcpy(marker.source, source, sizeof(marker.source));
	marker.identity_length = identity_length;
	memcpy(marker.identity, identity, identity_length);
	strlcpy(marker.why, why, sizeof(marker.why));
	if (!pgr_marker_write(&marker, error, error_size))
		return false;
	pending = work;
	return true;
}

PgrWork
pgr_prestart_pending(void)
{
	if (pending < 0)
	{
		PgrMarker	marker;
		bool		found;
		char		problem[512];

		if (!pgr_marker_read(&marker, &found, problem, sizeof(problem)))
			return PGR_WORK_NONE;
		pending = found ? marker.work : PGR_WORK_NONE;
	}
	return pending;
}

/* What a process forked by _PG_init must not have from the postmaster. */
static void
become_child(pid_t parent, int death_signal)
{
	pgr_in_prestart = true;
	on_exit_reset();
	MyProcPid = getpid();
	InitProcessGlobals();
	pgr_child_begins(parent, death_signal);
	(void) signal(SIGPIPE, SIG_IGN);
}

static void
run_helper(void)
{
	(void) setpgid(0, 0);
	pgr_helper_main();
}

static void
run_voter(void)
{
	close(pgr_data_lock_fd);
	pgr_voter_child_main();
}

static void
run_resolver(void)
{
	close(pgr_data_lock_fd);
	pgr_resolver_loop();
}

static void
fork_child(Child *child)
{
	pid_t		parent = getpid();

	fflush(NULL);
	child->forked_ms = pgr_now_ms();
	child->pid = fork();
	if (child->pid == 0)
	{
		/* The helper takes its programs along when it is told to end. */
		become_child(parent, child->run == run_helper ? SIGTERM : SIGKILL);
		child->run();
		_exit(1);
	}
	if (child->pid < 0)
		ereport(FATAL, (errmsg("pg_replica could not fork: %m")));
}

static void
signal_child(const Child *child, int signal_number)
{
	if (child->pid <= 0)
		return;
	/* The group exists as soon as the helper has made it, or it is alone. */
	if (child->run == run_helper)
		(void) kill(-child->pid, signal_number);
	(void) kill(child->pid, signal_number);
}

/* All must be gone before this process becomes a server, or ends. */
static void
end_children(void)
{
	int64		begun = pgr_now_ms();
	bool		left = true;

	signal_child(&children[HELPER], SIGKILL);
	signal_child(&children[RESOLVER], SIGKILL);
	signal_child(&children[VOTER], SIGTERM);
	while (left)
	{
		left = false;
		for (int i = 0; i < CHILDREN; i++)
		{
			if (children[i].pid > 0 && waitpid(children[i].pid, NULL, WNOHANG) == children[i].pid)
				children[i].pid = 0;
			left = left || children[i].pid > 0;
		}
		if (pgr_now_ms() - begun > VOTER_END_MS)
			signal_child(&children[VOTER], SIGKILL);
		if (left)
			pg_usleep(5000);
	}
	pg_atomic_write_u32(&pgr_shared->restart.work.voter_pid, 0);
}

/* systemd waits for a start no longer than it is told to. */
static void
extend_systemd_timeout(void)
{
	static int64 told_ms = 0;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	static const char text[] = "EXTEND_TIMEOUT_USEC=120000000\nSTATUS=pg_replica rejoins the cluster";
	int			fd;

	if (path == NULL || strlen(path) >= sizeof(address.sun_path) || strlen(path) < 2 ||
		pgr_now_ms() - told_ms < EXTEND_MS)
		return;
	told_ms = pgr_now_ms();
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, path, strlen(path));
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void) sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT,
				  (struct sockaddr *) &address,
				  offsetof(struct sockaddr_un, sun_path) + strlen(path));
	close(fd);
}

/* The helper has ended: 0 says that the work is done. */
static bool
tend_children(void)
{
	for (int i = 0; i < CHILDREN; i++)
	{
		Child	   *child = &children[i];
		int			status;

		if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) == child->pid)
		{
			/* What its programs left behind must not write on. */
			if (i == HELPER)
				(void) kill(-child->pid, SIGKILL);
			child->pid = 0;
			if (i == HELPER && WIFEXITED(status) && WEXITSTATUS(status) == 0)
				return true;
		}
		if (i == VOTER && !pgr_config.valid)
			continue;
		if (child->pid == 0 &&
			(child->forked_ms == 0 || pgr_now_ms() - child->forked_ms > REFORK_MS))
			fork_child(child);
	}
	pg_atomic_write_u32(&pgr_shared->restart.work.voter_pid, children[VOTER].pid);
	extend_systemd_timeout();
	return false;
}

/*
 * All signals are blocked here, so none is lost and none interrupts.  The
 * operator's stop is answered at once; the marker stays for the next start.
 */
static void
wait_for_work(void)
{
	sigset_t	awaited;
	struct timespec step = {0, WAIT_MS * 1000000L};

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGQUIT);
	sigaddset(&awaited, SIGCHLD);
	while (!tend_children())
	{
		int			arrived = sigtimedwait(&awaited, NULL, &step);

		if (arrived == SIGTERM || arrived == SIGINT || arrived == SIGQUIT)
		{
			pg_atomic_write_u32(&pgr_shared->restart.operator_stop, arrived);
			end_children();
			ereport(FATAL,
					(errcode(ERRCODE_ADMIN_SHUTDOWN),
					 errmsg("the server was stopped while pg_replica worked on its data"),
					 errdetail("The work goes on at the next start.")));
		}
	}
	end_children();
}

static void
do_work(const PgrMarker *marker)
{
	ereport(LOG,
			(errmsg("pg_replica %s this node from node \"%s\" before the server starts",
					marker->work == PGR_WORK_REWIND ? "rewinds" : "clones", marker->source),
			 marker->why[0] != '\0' ? errdetail("%s", marker->why) : 0));
	pg_atomic_write_u32(&pgr_shared->restart.work.work, marker->work);
	pending = marker->work;
	/* The helper asks another server at once. */
	pgr_addresses_recall();
	wait_for_work();
	ereport(LOG, (errmsg("pg_replica has finished its work and starts the server")));
	pgr_restart_exec();
	ereport(FATAL, (errmsg("pg_replica could not start the server again: %m"),
					errhint("Start it by hand; the work before the start is done.")));
}

static uint32
label_checksum(void)
{
	size_t		length;
	char	   *text = pgr_file_read(BACKUP_LABEL_FILE, LABEL_LIMIT, &length);
	pg_crc32c	crc;

	if (text == NULL)
		return 0;
	INIT_CRC32C(crc);
	COMP_CRC32C(crc, text, length);
	FIN_CRC32C(crc);
	free(text);
	return crc == 0 ? 1 : crc;
}

bool
pgr_label_accept(void)
{
	char		text[32];

	snprintf(text, sizeof(text), "%08x\n", label_checksum());
	return pgr_file_write(PGR_LABEL_FILE, text, strlen(text));
}

/*
 * A restored backup has a label that is not of our own last work: its data
 * is older than what this node may have acknowledged (rule A9).
 */
static void
look_at_label(void)
{
	uint32		here = label_checksum();
	char	   *text;
	unsigned int own = 0;

	if (here == 0)
		return;
	text = pgr_file_read(PGR_LABEL_FILE, 64, NULL);
	if (text != NULL)
		(void) sscanf(text, "%8x", &own);
	free(text);
	if (own == here)
		return;
	pg_atomic_write_u32(&pgr_shared->restart.work.foreign_label, 1);
	ereport(LOG, (errmsg("pg_replica found a \"%s\" that it did not make: this data was restored from a backup",
						 BACKUP_LABEL_FILE)));
}

/* A node is never born a primary: only an election makes it one. */
static void
assert_standby(void)
{
	int			removed;

	if (!pgr_file_exists(STANDBY_SIGNAL_FILE) && !pgr_file_write(STANDBY_SIGNAL_FILE, "", 0))
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("pg_replica could not create file \"%s\": %m", STANDBY_SIGNAL_FILE),
				 errdetail("Without it the server would start as a primary that nobody elected.")));
	removed = pgr_placeholders_remove();
	if (removed > 0)
		ereport(LOG, (errmsg("pg_replica removed %d placeholders of timelines that were never used", removed)));
}

void
pgr_prestart_run(void)
{
	PgrMarker	marker;
	bool		found = false;
	char		problem[512];

	pgr_data_lock();
	/* a directory that a mistaken setting names is not made */
	if (!pgr_config.valid && !pgr_file_exists(pgr_state_dir))
		ereport(LOG, (errmsg("pg_replica has no state directory \"%s\"", pgr_state_dir)));
	else if (!pgr_store_open(pgr_state_dir, problem, sizeof(problem)))
	{
		if (!pgr_file_exists("base"))
			ereport(FATAL,
					(errmsg("pg_replica cannot go on with the work on this data directory: %s", problem),
					 errhint("Make the state directory accessible again.")));
		ereport(LOG, (errmsg("pg_replica cannot use its state directory: %s", problem)));
	}
	else if (!pgr_marker_read(&marker, &found, problem, sizeof(problem)))
		ereport(FATAL,
				(errmsg("pg_replica cannot tell whether work on this data directory is unfinished: %s", problem),
				 errhint("Mend or remove the file; without it a rewind or clone is not finished, and the server must not use data that is half replaced.")));
	if (found)
	{
		if (strcmp(marker.node, pgr_node_name) != 0)
			ereport(FATAL,
					(errmsg("the state directory \"%s\" belongs to node \"%s\", and this is node \"%s\"",
							pgr_state_dir, marker.node, pgr_node_name),
					 errhint("Give each node a state directory of its own.")));
		do_work(&marker);
	}
	pending = PGR_WORK_NONE;
	look_at_label();
	assert_standby();
}
