/*
 * collation.c
 *		By what this server sorts text.
 *
 * The versions that Postgres itself notes beside a collation: of libc, where
 * one holds for all, and of ICU, where the root collation stands for all: what
 * changes a language's order comes with a release that changes this one, too.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "utils/memutils.h"

#include "compat.h"
#include "config.h"

static char versions[128] = "libc unknown";

static void
version_of(char provider, const char *locale, char *out, size_t size)
{
	MemoryContext caller = CurrentMemoryContext;

	/* A library that cannot say it is one that nobody knows. */
	strlcpy(out, "unknown", size);
	PG_TRY();
	{
		char	   *version = get_collation_actual_version(provider, locale);

		if (version != NULL)
			strlcpy(out, version, size);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
}

/*
 * pgr_collation_look
 *		In the postmaster, so that all processes know it: what they run with was
 *		loaded then, whatever was installed since.
 */
void
pgr_collation_look(void)
{
	char		libc[48];
	char		icu[48] = "none";

	version_of(COLLPROVIDER_LIBC, "en_US.UTF-8", libc, sizeof(libc));
#ifdef USE_ICU
	version_of(COLLPROVIDER_ICU, "und", icu, sizeof(icu));
#endif
	snprintf(versions, sizeof(versions), "libc %s, icu %s", libc, icu);
}

const char *
pgr_collation_versions(void)
{
	return versions;
}
