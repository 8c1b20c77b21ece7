/* Who is refused: the banned, and strangers over their rate. */
#pragma once

enum cause {
	CAUSE_NONE, /* it passes */
	CAUSE_BANNED,
	CAUSE_SOURCE,
	CAUSE_ALL,
	CAUSE_FRAGMENT,
};

static const __u32 zero = 0;

static __always_inline bool is_trusted(const struct packet *p)
{
	struct prefix key = {.bits = 128, .address = p->remote};
	void *inner = bpf_map_lookup_elem(&trusted, &zero);

	return inner && bpf_map_lookup_elem(inner, &key);
}

/* A fragment has no ports: its flow is the pair of addresses. */
static __always_inline bool is_spared(const struct packet *p)
{
	struct flow key = {
		.remote = p->remote, .local = p->local,
		.remote_port = p->remote_port, .local_port = p->local_port, .proto = p->proto,
	};

	return (p->proto || p->fragment) && bpf_map_lookup_elem(&spared, &key);
}

/* The clock costs as much as a look-up: it is read for those that need it, once. */
static __always_inline __u64 clock(__u64 *now)
{
	if (!*now)
		*now = bpf_ktime_get_ns();
	return *now;
}

static __always_inline bool ban_holds(const struct ban *key, __u64 *now)
{
	__u64 *ends = bpf_map_lookup_elem(&banned, key);

	return ends && clock(now) < *ends;
}

static __always_inline bool is_banned(const struct packet *p, __u64 *now)
{
	struct ban key = {.bits = 128, .address = p->remote};

	if (!p->v6)
		return ban_holds(&key, now);
	key.address.words[2] = key.address.words[3] = 0;
	key.bits = 64;
	if (ban_holds(&key, now))
		return true;
	key.address.octets[7] = 0;
	key.bits = 56;
	if (ban_holds(&key, now))
		return true;
	key.address.octets[6] = 0;
	key.bits = 48;
	return ban_holds(&key, now);
}

/* Whether it comes to a listener of ours in a way that is policed. */
static __always_inline bool is_policed(const struct packet *p)
{
	struct listener key = {.local = p->local, .port = p->local_port, .proto = p->proto};
	void *inner;

	if (!p->fragment && !p->syn && p->proto != PROTO_UDP)
		return false;
	inner = bpf_map_lookup_elem(&listeners, &zero);
	return inner && bpf_map_lookup_elem(inner, &key);
}

/* A source is remembered once a packet of it was admitted: who sends from a
 * million addresses fills the table no faster than the rate of all. */
static __always_inline enum cause police(const struct packet *p, __u64 now)
{
	__u32 kind = p->fragment ? KIND_FRAGMENT : KIND_PACKET;
	struct bounds *b = bpf_map_lookup_elem(&limits, &kind);
	struct source key = {.v6 = p->v6, .kind = kind};
	struct bucket *one = NULL, *shared;

	key.address[0] = p->v6 ? p->remote.words[0] : p->remote.words[3];
	key.address[1] = p->v6 ? p->remote.words[1] : 0;
	if (!b)
		return CAUSE_NONE;
	if (b->source.interval) {
		one = bpf_map_lookup_elem(&sources, &key);
		if (one && !take(one, &b->source, now))
			return p->fragment ? CAUSE_FRAGMENT : CAUSE_SOURCE;
	}
	if (b->all.interval) {
		shared = bpf_map_lookup_elem(&all, &kind);
		if (shared && !take(shared, &b->all, now))
			return p->fragment ? CAUSE_FRAGMENT : CAUSE_ALL;
	}
	if (b->source.interval && !one) {
		struct bucket first = {.paid = now + b->source.interval};

		bpf_map_update_elem(&sources, &key, &first, BPF_NOEXIST);
	}
	return CAUSE_NONE;
}

static __always_inline bool leased(__u64 now)
{
	__u64 *ends = bpf_map_lookup_elem(&lease, &zero);

	return ends && (!*ends || now < *ends);
}

/* Whether a packet is refused, and why. The trusted and the spared are asked
 * for last: media, most of what passes here, is neither banned nor for a
 * listener, and pays for two look-ups. */
static __always_inline enum cause refuse(const struct packet *p)
{
	__u64 now = 0;
	bool ban = is_banned(p, &now), policed = is_policed(p), spare;

	if (!ban && !policed)
		return CAUSE_NONE;
	if (is_trusted(p))
		return CAUSE_NONE;
	spare = is_spared(p);
	if (spare && !p->fragment)
		return CAUSE_NONE;
	if (!leased(clock(&now)))
		return CAUSE_NONE;
	if (ban && !spare)
		return CAUSE_BANNED;
	return policed ? police(p, now) : CAUSE_NONE;
}

/* The counters are of this processor: no other writes them. */
static __always_inline void count(enum cause why)
{
	struct counters *n = bpf_map_lookup_elem(&counters, &zero);

	if (!n)
		return;
	n->banned += why == CAUSE_BANNED;
	n->source += why == CAUSE_SOURCE;
	n->all += why == CAUSE_ALL;
	n->fragments += why == CAUSE_FRAGMENT;
}
