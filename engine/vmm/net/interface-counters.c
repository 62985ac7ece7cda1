/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counters of an interface: see interface-counters.h. The kernel has answered a question when it
 * has taken it, so nothing is waited for.
 */
#include "net/interface-counters.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

struct answer {
	struct nlmsghdr header;
	struct if_stats_msg about;
	struct rtattr attribute;
	char values[1024]; /* later kernels count more */
};

int interface_counters_open(struct interface_counters *counters, const char *interface)
{
	counters->fd = -1;
	counters->sequence = 0;
	counters->index = if_nametoindex(interface);
	if (counters->index == 0)
		return -ENODEV;
	counters->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	return counters->fd < 0 ? -errno : 0;
}

static int ask(struct interface_counters *counters)
{
	struct {
		struct nlmsghdr header;
		struct if_stats_msg about;
	} question = {
		.header = {.nlmsg_len = sizeof(question),
			   .nlmsg_type = RTM_GETSTATS,
			   .nlmsg_flags = NLM_F_REQUEST,
			   .nlmsg_seq = ++counters->sequence},
		.about = {.ifindex = counters->index,
			  .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)},
	};

	return send(counters->fd, &question, sizeof(question), 0) < 0 ? -errno : 0;
}

int interface_counters_read(struct interface_counters *counters,
			    struct rtnl_link_stats64 *ret_values)
{
	struct answer answer;
	ssize_t length;
	int r = ask(counters);

	if (r < 0)
		return r;
	do /* an answer that came too late for an earlier question */
		length = recv(counters->fd, &answer, sizeof(answer), 0);
	while (length >= (ssize_t)sizeof(answer.header) &&
	       answer.header.nlmsg_seq != counters->sequence);
	if (length < 0)
		return -errno;
	if (length < (ssize_t)offsetof(struct answer, values) ||
	    answer.header.nlmsg_type != RTM_NEWSTATS ||
	    answer.attribute.rta_type != IFLA_STATS_LINK_64)
		return -EPROTO;
	length -= (ssize_t)offsetof(struct answer, values);
	memset(ret_values, 0, sizeof(*ret_values));
	memcpy(ret_values, answer.values,
	       (size_t)length < sizeof(*ret_values) ? (size_t)length : sizeof(*ret_values));
	return 0;
}

void interface_counters_close(struct interface_counters *counters)
{
	fd_close(&counters->fd);
}
