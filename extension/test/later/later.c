/*
 * later.c
 *		What a later release has and this one has not, for tests of upgrades.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pgr_sql_later);

Datum
pgr_sql_later(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text("later"));
}
