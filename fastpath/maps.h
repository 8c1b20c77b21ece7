/* The maps, which user space writes, and who reads them. Their names and the
 * structs are known to Go by what bpf2go makes of them. */
#pragma once

/* Ours. All tables are bounded, and those that a packet may write to have their
 * memory from the beginning. */
#define TRUSTED_MAX 16384 /* prefixes: the networks of some countries */
#define BANNED_MAX 65536
#define SPARED_MAX 131072 /* flows of user agents, and as many pairs of addresses */
#define LISTENERS_MAX 4096
#define SOURCES_MAX 65536 /* strangers that are remembered; the least used is forgotten */

/* trusted: the longest prefix decides nothing, any match does. The inner map is
 * replaced as a whole, so that no packet sees half a list. */
struct prefix {
	__u32 bits; /* of the address; 96 more than an IPv4 prefix has */
	union address address;
};

struct trusted_inner {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TRUSTED_MAX);
	__type(key, struct prefix);
	__type(value, __u8);
} trusted_none SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct trusted_inner);
} trusted SEC(".maps") = {.values = {&trusted_none}};

/* banned: bans have few lengths, so that a look-up for each is cheaper than a
 * trie, and one may contain another. */
struct ban {
	__u32 bits; /* 128: an IPv4 address; 64, 56, 48: of IPv6 */
	union address address;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BANNED_MAX);
	__type(key, struct ban);
	__type(value, __u64); /* when it ends, in ns of CLOCK_MONOTONIC */
} banned SEC(".maps");

/* spared: a flow; or with ports and proto 0 the fragments between two
 * addresses. */
struct flow {
	union address remote, local;
	__be16 remote_port, local_port;
	__u32 proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SPARED_MAX);
	__type(key, struct flow);
	__type(value, __u8);
} spared SEC(".maps");

/* listeners: where strangers are policed; with port and proto 0 an address,
 * for fragments. Replaced as a whole. */
struct listener {
	union address local;
	__be16 port;
	__u16 proto;
};

struct listeners_inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LISTENERS_MAX);
	__type(key, struct listener);
	__type(value, __u8);
} listeners_none SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct listeners_inner);
} listeners SEC(".maps") = {.values = {&listeners_none}};

/* What strangers send is of one of these kinds, each with bounds of its own. */
enum kind {
	KIND_PACKET, /* UDP, and SYNs of TCP */
	KIND_FRAGMENT,
	KINDS,
};

/* A bucket is the time up to which it is paid for (GCRA): see bucket.h. */
struct bucket {
	__u64 paid;
};

struct source {
	__be32 address[2]; /* the first half of an IPv6 address; an IPv4 address, and 0 */
	__u32 v6;
	__u32 kind;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOURCES_MAX);
	__type(key, struct source);
	__type(value, struct bucket);
} sources SEC(".maps");

/* all: the buckets of all strangers together, by kind. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct bucket);
} all SEC(".maps");

/* bounds of what strangers send, by kind. */
struct rate {
	__u64 interval; /* ns a packet; 0: no bound */
	__u64 ahead;    /* ns that a bucket may be paid ahead of now: the burst less one packet */
};

struct bounds {
	struct rate source; /* of one */
	struct rate all;    /* of all together */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KINDS);
	__type(key, __u32);
	__type(value, struct bounds);
} limits SEC(".maps");

/* lease: in ns of CLOCK_MONOTONIC. When it is over, nothing is done to a packet:
 * whoever renews it is gone. 0: no end. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lease SEC(".maps");

/* counters: packets that were dropped, by cause, of each processor. */
struct counters {
	__u64 banned, source, all, fragments;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");
