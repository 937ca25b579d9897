/*
 * fence_statements.c
 *		What sessions see of the fence: an early error for statements that
 *		write, settings that say "read only" to drivers that look for a primary,
 *		and no promotion by hand.
 *
 * None of this is needed for safety (fence.c is), only for clear answers.
 */
#include "postgres.h"

#include "compat.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"

#include "shared.h"

static ExecutorStart_hook_type previous_executor_start = NULL;
static ProcessUtility_hook_type previous_process_utility = NULL;
static object_access_hook_type previous_object_access = NULL;
static GucShowHook previous_show_hot_standby = NULL;

/* fence.changes when this session last looked */
static uint32 changes_seen = 0;

/*
 * report_again
 *		Have Postgres compare what it last reported to the client with what
 *		the setting shows now.  Only setting it does that, so it is set to what
 *		it is, by whom it was.
 */
static void
report_again(const char *name, GucContext context)
{
	struct config_generic *setting = pgr_find_setting(name);

	(void) set_config_option(name,
							 *((struct config_bool *) setting)->variable ? "on" : "off",
							 context, setting->source, GUC_ACTION_SET,
							 true, DEBUG5, false);
}

/*
 * notice_changes
 *		The fence was opened or closed since this session's last statement: the
 *		client shall know with the answer to this one.  Costs one read of
 *		shared memory otherwise.
 */
static void
notice_changes(void)
{
	uint32		changes = pg_atomic_read_u32(&pgr_shared->fence.changes);

	if (changes == changes_seen)
		return;
	if (IsInParallelMode() || IsParallelWorker())
		return;
	changes_seen = changes;
	if (whereToSendOutput != DestRemote)
		return;
	report_again("in_hot_standby", PGC_INTERNAL);
	report_again("default_transaction_read_only", PGC_SUSET);
}

static void
executor_start(QueryDesc *query, int eflags)
{
	notice_changes();

	if (!pgr_reads_are_allowed() && (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		pgr_reads_require(query->plannedstmt->relationOids);

	if ((query->operation != CMD_SELECT ||
		 query->plannedstmt->hasModifyingCTE ||
		 query->plannedstmt->rowMarks != NIL) &&
		(eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0 &&
		!IsParallelWorker())
		pgr_fence_require();

	if (previous_executor_start)
		previous_executor_start(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

typedef enum StatementKind
{
	STATEMENT_HARMLESS,			/* or judged by what it executes */
	STATEMENT_WRITES,
	STATEMENT_ENDS_PREPARED		/* COMMIT PREPARED, ROLLBACK PREPARED */
} StatementKind;

static StatementKind
transaction_kind(TransactionStmt *statement)
{
	switch (statement->kind)
	{
		case TRANS_STMT_COMMIT_PREPARED:
		case TRANS_STMT_ROLLBACK_PREPARED:
			return STATEMENT_ENDS_PREPARED;
		case TRANS_STMT_PREPARE:
			return STATEMENT_WRITES;
		default:
			return STATEMENT_HARMLESS;
	}
}

/*
 * statement_kind
 *		Statements that are not known to be harmless write.  Those that run
 *		other statements are harmless themselves, the others are asked about
 *		in their turn; and whatever gets an xid is stopped before its commit.
 */
static StatementKind
statement_kind(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_TransactionStmt:
			return transaction_kind((TransactionStmt *) statement);

		case T_CopyStmt:
			return ((CopyStmt *) statement)->is_from ?
				STATEMENT_WRITES : STATEMENT_HARMLESS;

		case T_AlterSystemStmt: /* a repair by the operator, no transaction */
		case T_CallStmt:
		case T_CheckPointStmt:
		case T_ClosePortalStmt:
		case T_ConstraintsSetStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
		case T_DiscardStmt:
		case T_DoStmt:
		case T_ExecuteStmt:
		case T_ExplainStmt:
		case T_FetchStmt:
		case T_ListenStmt:
		case T_LoadStmt:
		case T_LockStmt:
		case T_PrepareStmt:
		case T_UnlistenStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
			return STATEMENT_HARMLESS;

		default:
			return STATEMENT_WRITES;
	}
}

static void
process_utility(PlannedStmt *planned, const char *query, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *environment, DestReceiver *destination,
				QueryCompletion *completion)
{
	StatementKind kind = statement_kind(planned->utilityStmt);

	/* a transaction that has failed accepts no look at settings */
	if (IsTransactionState())
		notice_changes();

	if (kind != STATEMENT_HARMLESS)
		pgr_fence_require();
	if (kind == STATEMENT_ENDS_PREPARED)
		pgr_commit_prepared_begins();
	if (IsA(planned->utilityStmt, CopyStmt) && !pgr_reads_are_allowed())
		pgr_reads_require_copy((CopyStmt *) planned->utilityStmt);

	if (previous_process_utility)
		previous_process_utility(planned, query, read_only_tree, context,
								 params, environment, destination, completion);
	else
		standard_ProcessUtility(planned, query, read_only_tree, context,
								params, environment, destination, completion);

	/* the statement ran and has no xid: tell level three what to check */
	if (kind == STATEMENT_ENDS_PREPARED)
		pgr_commit_prepared_ended();
}

static void
object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id,
			  void *arg)
{
	if (access == OAT_FUNCTION_EXECUTE && object_id == F_PG_PROMOTE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_promote() cannot be used on a node of a pg_replica cluster"),
				 errdetail("A promotion that the cluster did not decide would be a second primary with a timeline of its own."),
				 errhint("Use pg_replica.failover().")));

	if (previous_object_access)
		previous_object_access(access, class_id, object_id, sub_id, arg);
}

static bool
is_shut(void)
{
	return IsUnderPostmaster && !pgr_fence_is_open();
}

/*
 * Drivers that look for a primary read these settings from the answer to their
 * start-up packet, or show them.  Only what is shown depends on the fence, so
 * a session is writable again as soon as the server is, and the user's own
 * values are never touched.
 */
static const char *
show_default_read_only(void)
{
	return DefaultXactReadOnly || is_shut() ? "on" : "off";
}

static const char *
show_read_only(void)
{
	return XactReadOnly || is_shut() ? "on" : "off";
}

/*
 * libpq's target_session_attrs=primary and pgjdbc ask only for this one.  A
 * fenced primary can serve what a standby can, so it passes for one.
 */
static const char *
show_hot_standby(void)
{
	const char *shown = previous_show_hot_standby();

	return is_shut() ? "on" : shown;
}

static GucShowHook
replace_show_hook(const char *name, GucShowHook show)
{
	struct config_bool *setting = (struct config_bool *) pgr_find_setting(name);
	GucShowHook previous;

	if (setting == NULL || setting->gen.vartype != PGC_BOOL)
		elog(FATAL, "pg_replica does not know this server's setting \"%s\"", name);
	previous = setting->show_hook;
	setting->show_hook = show;
	return previous;
}

void
pgr_fence_statements_init(void)
{
	previous_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	previous_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	previous_object_access = object_access_hook;
	object_access_hook = object_access;

	previous_show_hot_standby =
		replace_show_hook("in_hot_standby", show_hot_standby);
	(void) replace_show_hook("default_transaction_read_only", show_default_read_only);
	(void) replace_show_hook("transaction_read_only", show_read_only);
}
