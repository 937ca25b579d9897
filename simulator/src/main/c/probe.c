/*-------------------------------------------------------------------------
 *
 * probe.c
 *		Runs one of the functions of HeapProbe.java: 0 if the heap survived.
 *
 *-------------------------------------------------------------------------
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int	pgr_java_start(int64_t heap_bytes);
extern int32_t pgr_probe_clones(int32_t rounds);
extern int32_t pgr_probe_hashes(int32_t rounds);
extern int32_t pgr_probe_spills(int32_t rounds);

extern int32_t pgr_java_collections;
int32_t		pgr_java_collections = 0;

int
main(int argc, char **argv)
{
	int32_t		damage;

	if (argc != 3)
		return 2;
	if (pgr_java_start(1024 * 1024) != 0)
		return 3;
	if (strcmp(argv[1], "clones") == 0)
		damage = pgr_probe_clones(atoi(argv[2]));
	else if (strcmp(argv[1], "hashes") == 0)
		damage = pgr_probe_hashes(atoi(argv[2]));
	else
		damage = pgr_probe_spills(atoi(argv[2]));
	printf("%s: %d damaged, %d collections\n", argv[1], damage, pgr_java_collections);
	return damage == 0 ? 0 : 1;
}
