/*
 * stub_core.c
 *		Stands in for the Java core where only the C host is tried: linked in
 *		place of pgr_core.c.
 *
 * It founds nothing and decides nothing.  It sends a message to each connected
 * node ten times a second, counts what it hears, shows it in status(), keeps
 * a file up to date, and answers requests; the verbs "die-..." try the ways
 * in which a core can die.  With PGR_STUB_LEASE in the server's environment it
 * keeps the fence open, with PGR_STUB_DEATH=die-... failover() kills it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgr_core.h"

static uint8_t *out;
static int32_t capacity;
static int32_t length;
static uint32_t actions;

static char self[64];
static char peers[16][64];
static int	n_peers;
static long heard[16];
static int	connected[16];
static long starts;
static int64_t now;
static int64_t sent_at;
static int64_t published_at;
static char last[128] = "nothing";
static volatile int zero = 0;

static void
u8(uint8_t value)
{
	out[length++] = value;
}

static void
u32(uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		u8(value >> shift);
}

static void
i64(int64_t value)
{
	u32((uint64_t) value >> 32);
	u32((uint32_t) value);
}

static void
bytes(const void *value, uint32_t size)
{
	u32(size);
	memcpy(out + length, value, size);
	length += size;
}

static void
str(const char *value)
{
	bytes(value, strlen(value));
}

static void
begin(uint8_t tag)
{
	actions++;
	u8(tag);
}

static uint32_t
get_u32(const uint8_t **at)
{
	uint32_t	value = (uint32_t) (*at)[0] << 24 | (*at)[1] << 16 | (*at)[2] << 8 | (*at)[3];

	*at += 4;
	return value;
}

static int64_t
get_i64(const uint8_t **at)
{
	uint64_t	high = get_u32(at);

	return (int64_t) (high << 32 | get_u32(at));
}

static void
get_str(const uint8_t **at, char *value, size_t size)
{
	uint32_t	n = get_u32(at);

	snprintf(value, size, "%.*s", (int) n, (const char *) *at);
	*at += n;
}

static int
peer(const char *name)
{
	for (int i = 0; i < n_peers; i++)
		if (strcmp(peers[i], name) == 0)
			return i;
	return 0;
}

static void
say(const char *text)
{
	begin(14);
	u8(1);
	str(text);
}

static void
start(const uint8_t *at)
{
	char		text[512];
	uint32_t	files;

	get_str(&at, self, sizeof(self));
	(void) get_i64(&at);
	at++;
	n_peers = (int) get_u32(&at);
	for (int i = 0; i < n_peers; i++)
	{
		char		host[256];

		get_str(&at, peers[i], sizeof(peers[i]));
		get_str(&at, host, sizeof(host));
		at += 8;
	}
	at += 12 + 8 + 1 + 4 + 1;
	get_str(&at, text, sizeof(text));
	files = get_u32(&at);
	for (uint32_t i = 0; i < files; i++)
	{
		char		name[64];
		char		content[64];

		get_str(&at, name, sizeof(name));
		get_str(&at, content, sizeof(content));
		if (strcmp(name, "starts") == 0)
			starts = atol(content);
	}
	starts++;
	snprintf(text, sizeof(text), "%ld", starts);
	begin(1);
	str("starts");
	str(text);
	snprintf(text, sizeof(text), "stub core of %s starts, start %ld, %u files", self, starts, files);
	say(text);
}

static void
publish(void)
{
	char		text[1024] = "";

	for (int i = 0; i < n_peers; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s:%s:%ld ",
				 peers[i], connected[i] ? "up" : "down", heard[i]);
	begin(12);
	u8(1);
	u32(2);
	str("status");
	u32(6);
	str("node");
	str("term");
	str("primary");
	str("received_lsn");
	str("state");
	str("reason");
	u32(1);
	u32(6);
	str(self);
	str("7");
	str("");
	str("0/3000148");
	str(last);
	str(text);
	str("history");
	u32(2);
	str("at");
	str("term");
	u32(1);
	u32(2);
	str("1795399200000");
	str("7");
}

static void
tick(void)
{
	if (now - sent_at >= 100)
	{
		sent_at = now;
		for (int i = 0; i < n_peers; i++)
		{
			if (!connected[i])
				continue;
			begin(3);
			str(peers[i]);
			str("ping");
		}
		if (getenv("PGR_STUB_LEASE") != NULL)
		{
			begin(4);
			i64(now + 800);
			i64(7);
			str("the stub holds no lease");
			u8(0);
		}
		begin(15);
		i64(now + 100);
	}
	if (now - published_at >= 500)
	{
		published_at = now;
		publish();
	}
}

static int
recurse(int depth)
{
	volatile char stack[1000];

	stack[0] = (char) depth;
	return recurse(depth + 1) + stack[0];
}

static void
request(const uint8_t *at)
{
	int64_t		id = get_i64(&at);
	char		verb[64];
	char		text[128];

	get_str(&at, verb, sizeof(verb));
	if (getenv("PGR_STUB_DEATH") != NULL && strcmp(verb, "failover") == 0)
		snprintf(verb, sizeof(verb), "%s", getenv("PGR_STUB_DEATH"));
	if (strcmp(verb, "die-fpe") == 0)
		zero = 1000 / zero;
	else if (strcmp(verb, "die-stack") == 0)
		zero = recurse(1);
	else if (strcmp(verb, "die-abort") == 0)
		abort();
	else if (strcmp(verb, "die-loop") == 0)
		while (zero == 0)
			;
	snprintf(text, sizeof(text), "stub core heard %s", verb);
	begin(13);
	i64(id);
	u8(1);
	str(text);
}

int
pgr_core_step(const uint8_t *event, int32_t len, uint8_t *to, int32_t size)
{
	const uint8_t *at = event + 1;
	char		name[64];

	out = to;
	capacity = size;
	length = 4;
	actions = 0;
	now = get_i64(&at);
	switch (event[0])
	{
		case 1:
			start(at);
			break;
		case 3:
			get_str(&at, name, sizeof(name));
			heard[peer(name)]++;
			break;
		case 4:
		case 5:
			get_str(&at, name, sizeof(name));
			connected[peer(name)] = event[0] == 4;
			snprintf(last, sizeof(last), "%s %s", name,
					 event[0] == 4 ? "connected" : *at == 2 ? "is gone" : "lost");
			say(last);
			break;
		case 6:
			snprintf(name, sizeof(name), "phase %d", *at);
			if (strcmp(name, last) != 0 && getenv("PGR_STUB_PHASES") != NULL)
				say(name);
			break;
		case 9:
			request(at);
			break;
		default:
			break;
	}
	tick();
	{
		int32_t		end = length;

		length = 0;
		u32(actions);
		length = end;
	}
	return len > 0 ? length : PGR_CORE_MALFORMED_EVENT;
}

int
pgr_core_init(void)
{
	return 0;
}

int
pgr_core_collect(void)
{
	return 0;
}

int64_t
pgr_core_headroom(void)
{
	return PGR_CORE_HEAP;
}

int
pgr_core_state(uint8_t *to, int32_t size)
{
	return 0;
}

int
pgr_core_failure(uint8_t *to, int32_t size)
{
	return 0;
}

void
pgr_core_poison(void)
{
}
