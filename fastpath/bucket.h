/* Rates: the generic cell rate algorithm, a token bucket of one number. */
#pragma once

/* Ours: how often a bucket is tried that other processors write too. Who loses
 * so often has seen as many packets admitted; it is let through. */
#define TRIES 4

/* Takes a packet's worth from a bucket. False: it is over the rate.
 *
 * The number is the time up to which the bucket is paid for. A packet moves it
 * on by an interval, from now on at the earliest, and is over the rate where it
 * is too far ahead of now. Only what is admitted writes, so that a flood reads
 * one cache line that all processors share, and one exact bucket for all of
 * them costs no more than a share for each would. */
static __always_inline bool take(struct bucket *b, const struct rate *r, __u64 now)
{
	__u64 end = now + r->ahead;

	for (int i = 0; i < TRIES; i++) {
		__u64 paid = b->paid, next;

		if (paid > end) {
			/* Paid at rates that no longer hold: as full as it can be. */
			if (paid > end + r->interval)
				__sync_val_compare_and_swap(&b->paid, paid, end + r->interval);
			return false;
		}
		next = (paid > now ? paid : now) + r->interval;
		if (__sync_val_compare_and_swap(&b->paid, paid, next) == paid)
			return true;
	}
	return true;
}
