/* What is read of a packet: where it is from, what it is for, and nothing else. */
#pragma once

/* IEEE 802.3, RFC 791, RFC 8200, RFC 9293. The structs of the kernel's headers
 * have bit fields whose order differs between machines; these have none. */
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

#define PROTO_HOP_BY_HOP 0
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_AUTHENTICATION 51
#define PROTO_DESTINATION 60

#define IPV4_FRAGMENT 0x3fff /* more fragments, and the offset */
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* Ours. */
#define TAGS_MAX 2       /* VLAN tags: a provider's and the customer's */
#define EXTENSIONS_MAX 6 /* RFC 8200 section 4.1 knows this many kinds before a transport header */

/* An address of either family. IPv4 stands as ::ffff:a.b.c.d, so that every
 * map has one kind of key; IPv6 packets with such an address are not read. No
 * key has a gap between its fields: what is in one would be part of the key. */
union address {
	__u8 octets[16];
	__be32 words[4];
};

struct ethernet {
	__u8 to[6], from[6];
	__be16 type;
};

struct vlan {
	__be16 tag;
	__be16 type;
};

struct ipv4 {
	__u8 version_words; /* version, and length of the header in words of 4 octets */
	__u8 service;
	__be16 total;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 proto;
	__be16 sum;
	__be32 from, to;
};

struct ipv6 {
	__u8 version_class, class_flow;
	__be16 flow;
	__be16 length;
	__u8 next;
	__u8 hops;
	union address from, to;
};

struct extension {
	__u8 next;
	__u8 length; /* in units of 8 octets after the first 8; of 4, less 2, for AUTHENTICATION */
};

struct ports {
	__be16 from, to;
};

struct tcp {
	struct ports ports;
	__be32 seq, ack;
	__u8 offset, flags;
	__be16 window;
};

/* A packet as a program gets it. Headers are copied by helpers of the kernel:
 * they reach what a driver has left in pages, and a program that looks into a
 * packet by itself, at places that the packet names, would need CAP_PERFMON. */
struct frame {
	void *ctx;
	bool xdp;
};

static __always_inline bool copy(struct frame f, __u32 at, void *to, __u32 length)
{
	if (f.xdp)
		return bpf_xdp_load_bytes(f.ctx, at, to, length) == 0;
	return bpf_skb_load_bytes(f.ctx, at, to, length) == 0;
}

struct packet {
	union address remote, local;
	__be16 remote_port, local_port; /* 0 where there are none */
	__u8 proto;                     /* PROTO_UDP or PROTO_TCP; 0: another, a fragment, or cut off */
	__u8 v6;
	__u8 fragment; /* first or later */
	__u8 syn;      /* opens a connection */
};

static __always_inline void mapped(union address *a, __be32 v4)
{
	a->words[0] = a->words[1] = 0;
	a->words[2] = bpf_htonl(0xffff);
	a->words[3] = v4;
}

static __always_inline bool is_mapped(const union address *a)
{
	return !a->words[0] && !a->words[1] && a->words[2] == bpf_htonl(0xffff);
}

/* A transport header that is cut off leaves the packet without ports: what
 * concerns its address holds all the same. */
static __always_inline void read_transport(struct frame f, __u32 at, __u8 proto, struct packet *p)
{
	struct tcp header = {};

	if (proto == PROTO_UDP) {
		if (!copy(f, at, &header, sizeof(header.ports)))
			return;
	} else if (proto == PROTO_TCP) {
		if (!copy(f, at, &header, sizeof(header)))
			return;
		p->syn = (header.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	} else {
		return;
	}
	p->remote_port = header.ports.from;
	p->local_port = header.ports.to;
	p->proto = proto;
}

static __always_inline bool read_ipv4(struct frame f, __u32 at, struct packet *p)
{
	struct ipv4 ip;
	__u32 length;

	if (!copy(f, at, &ip, sizeof(ip)) || ip.version_words >> 4 != 4)
		return false;
	length = (ip.version_words & 0xf) * 4;
	if (length < sizeof(ip))
		return false;
	mapped(&p->remote, ip.from);
	mapped(&p->local, ip.to);
	p->fragment = (ip.fragment & bpf_htons(IPV4_FRAGMENT)) != 0;
	if (!p->fragment)
		read_transport(f, at + length, ip.proto, p);
	return true;
}

static __always_inline bool read_ipv6(struct frame f, __u32 at, struct packet *p)
{
	struct extension x;
	struct ipv6 ip;
	__u8 next;

	if (!copy(f, at, &ip, sizeof(ip)) || ip.version_class >> 4 != 6)
		return false;
	p->remote = ip.from;
	p->local = ip.to;
	if (is_mapped(&p->remote) || is_mapped(&p->local))
		return false;
	p->v6 = 1;
	next = ip.next;
	at += sizeof(ip);
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		if (next != PROTO_HOP_BY_HOP && next != PROTO_ROUTING && next != PROTO_DESTINATION &&
		    next != PROTO_AUTHENTICATION)
			break;
		if (!copy(f, at, &x, sizeof(x)))
			return true;
		at += next == PROTO_AUTHENTICATION ? (x.length + 2) * 4 : (x.length + 1) * 8;
		next = x.next;
	}
	if (next == PROTO_FRAGMENT)
		p->fragment = 1;
	else
		read_transport(f, at, next, p);
	return true;
}

/* Reads a frame. False: it is none that we understand. */
static __always_inline bool read_frame(struct frame f, struct packet *p)
{
	struct ethernet eth;
	__u32 at = sizeof(eth);

	if (!copy(f, 0, &eth, sizeof(eth)))
		return false;
	for (int i = 0; i < TAGS_MAX; i++) {
		struct vlan tag;

		if (eth.type != bpf_htons(ETHERTYPE_VLAN) && eth.type != bpf_htons(ETHERTYPE_QINQ))
			break;
		if (!copy(f, at, &tag, sizeof(tag)))
			return false;
		eth.type = tag.type;
		at += sizeof(tag);
	}
	if (eth.type == bpf_htons(ETHERTYPE_IPV4))
		return read_ipv4(f, at, p);
	if (eth.type == bpf_htons(ETHERTYPE_IPV6))
		return read_ipv6(f, at, p);
	return false;
}
