//go:build ignore

/* The program that packets meet before a socket: one source, for tcx and
 * clsact (skb) and for XDP (frame). What it does not fully understand, and
 * what it does not refuse, goes up. */

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "packet.h"
#include "maps.h"
#include "bucket.h"
#include "refuse.h"

enum verdict {
	PASS,
	DROP,
};

/* The stages of a packet, in their order. A flow of media that the kernel
 * forwards is known by its local address and port alone: its look-up belongs
 * before refuse, under the same lease. */
static __always_inline enum verdict handle(struct frame f)
{
	struct packet p = {};
	enum cause why;

	if (!read_frame(f, &p))
		return PASS;
	why = refuse(&p);
	if (why == CAUSE_NONE)
		return PASS;
	count(why);
	return DROP;
}

/* tcx and clsact. Who passes is asked by the programs after us too. */
SEC("tc")
int fastpath_tc(struct __sk_buff *skb)
{
	if (handle((struct frame){skb, false}) == DROP)
		return TC_ACT_SHOT;
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int fastpath_xdp(struct xdp_md *ctx)
{
	if (handle((struct frame){ctx, true}) == DROP)
		return XDP_DROP;
	return XDP_PASS;
}

char _license[] SEC("license") = "Apache-2.0";
