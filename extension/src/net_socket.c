/*
 * net_socket.c
 *		Addresses and options of sockets.
 */
#include "postgres.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net_internal.h"

void
pgr_net_with_port(PgrAddress *address, int port)
{
	if (address->address.ss_family == AF_INET)
		((struct sockaddr_in *) &address->address)->sin_port = htons((uint16) port);
	else
		((struct sockaddr_in6 *) &address->address)->sin6_port = htons((uint16) port);
}

bool
pgr_net_same_host(const PgrAddress *a, const PgrAddress *b)
{
	if (a->address.ss_family != b->address.ss_family)
		return false;
	if (a->address.ss_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *) &a->address)->sin_addr,
					  &((const struct sockaddr_in *) &b->address)->sin_addr,
					  sizeof(struct in_addr)) == 0;
	return memcmp(&((const struct sockaddr_in6 *) &a->address)->sin6_addr,
				  &((const struct sockaddr_in6 *) &b->address)->sin6_addr,
				  sizeof(struct in6_addr)) == 0;
}

void
pgr_net_set_options(int fd)
{
	int			on = 1;
	int			idle_s = 1;
	int			count = 3;
	unsigned int unacknowledged_ms = Max(2 * pgr_election_timeout, 1000);

	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof(idle_s));
	(void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	(void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
}
