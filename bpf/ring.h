// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Whose firing it is, room in the ring, waking the reader. */
#pragma once

#include "bpf/maps.h"

/* The row of this process in the counters; taken at its first firing, given back by the reader. */
__noinline __u32 node_row(__u32 tgid)
{
	__u32 first = (tgid * 0x9E3779B1u) >> 26, row, i;

	for (i = 0; i < 4; i++) {
		row = (first + i) & (CT_MAX_NODES - 1);
		if (ct_shared.nodes[row] == tgid && row != CT_NODE_OTHER)
			return row;
	}
	for (i = 0; i < 4; i++) {
		__u32 was;

		row = (first + i) & (CT_MAX_NODES - 1);
		if (row == CT_NODE_OTHER)
			continue;
		was = __sync_val_compare_and_swap(&ct_shared.nodes[row], 0, tgid);
		if (was == 0 || was == tgid)
			return row;
	}
	return CT_NODE_OTHER;
}

#define CT_LOAD(x) (*(volatile typeof(x) *)&(x))
#define CT_ADD(counter, n) __sync_fetch_and_add(&(counter), (n))

static __always_inline void *ring_elem(__u64 position)
{
	__u32 key = (position / CT_CONFIG.elem_bytes) & (CT_CONFIG.ring_elems - 1);

	return bpf_map_lookup_elem(&ct_ring, &key);
}

/* The record is whole: the reader may have it. */
static __always_inline void ring_commit(struct ct_ring_head *head, __u32 kind, __u32 size)
{
	__u64 word = (__u64)kind << 32 | size;

#ifdef __TARGET_ARCH_x86
	asm volatile("" ::: "memory"); /* stores are not reordered */
	*(volatile __u64 *)head = word;
#else
	__sync_lock_test_and_set((__u64 *)head, word);
#endif
}

/* Ask for the cache lines of the next record while the arguments are fetched: filling them would wait for memory. */
static __always_inline void ring_prefetch(void)
{
	__u64 position = CT_LOAD(ct_shared.produced);
	__u8 *base = ring_elem(position);
	__u32 at = position & (CT_CONFIG.elem_bytes - 1);

	asm volatile("" : "+r"(at));
	if (base && at <= CT_CONFIG.elem_bytes - 264) {
		*(volatile __u64 *)(base + at);
		*(volatile __u64 *)(base + at + 64);
		*(volatile __u64 *)(base + at + 128);
		*(volatile __u64 *)(base + at + 192);
		*(volatile __u64 *)(base + at + 256);
	}
}

#define CT_RESERVE_FULL (~0ull)
#define CT_RESERVE_CONTENDED (~1ull)

/* A position with `room` bytes up to the end of its element, of which `size` are given out. */
__noinline __u64 ring_reserve(__u32 size, __u32 room)
{
	__u64 position = CT_LOAD(ct_shared.produced), start, was;
	__u32 elem = CT_CONFIG.elem_bytes, i;

	size = (size + 7) & ~7u;
	for (i = 0; i < 32; i++) {
		start = position;
		if ((position & (elem - 1)) + room > elem)
			start = (position | (elem - 1)) + 1;
		if (start + size - CT_LOAD(ct_shared.consumed) > (__u64)elem * CT_CONFIG.ring_elems)
			return CT_RESERVE_FULL;
		was = __sync_val_compare_and_swap(&ct_shared.produced, position, start + size);
		if (was == position) {
			if (start != position) {
				__u8 *base = ring_elem(position);
				__u32 offset = position & (elem - 1);

				if (base && offset <= elem - sizeof(struct ct_ring_head))
					ring_commit((struct ct_ring_head *)(base + offset), CT_RING_PAD,
						    sizeof(struct ct_ring_head));
			}
			return start;
		}
		position = was;
	}
	return CT_RESERVE_CONTENDED;
}

/* A wake-up costs the traced thread more than everything else here: one, when the reader sleeps and has let the
 * ring fill. */
static __always_inline void ring_wake(void)
{
	__u64 one = 1;

	if (CT_LOAD(ct_shared.wake_armed) &&
	    CT_LOAD(ct_shared.produced) - CT_LOAD(ct_shared.consumed) >= CT_LOAD(ct_shared.wake_bytes) &&
	    __sync_lock_test_and_set(&ct_shared.wake_armed, 0))
		bpf_ringbuf_output(&ct_doorbell, &one, sizeof(one), BPF_RB_FORCE_WAKEUP);
}

/* The memory of a position ring_reserve() gave, with `room` constant bytes that the verifier can see. */
#define CT_RING_AT(pointer, position, room)                                                                 \
	do {                                                                                                \
		__u8 *base = ring_elem(position);                                                           \
		__u32 at = (position) & (CT_CONFIG.elem_bytes - 1);                                         \
                                                                                                            \
		asm volatile("" : "+r"(at));                                                                \
		(pointer) = base && (room) <= CT_CONFIG.elem_bytes && at <= CT_CONFIG.elem_bytes - (room) ? \
				    (void *)(base + at) :                                                   \
				    0;                                                                      \
	} while (0)

static __always_inline int count_lost(struct ct_counters *counters, __u64 position)
{
	if (position == CT_RESERVE_FULL)
		CT_ADD(counters->lost_ring_full, 1);
	else
		CT_ADD(counters->lost_contended, 1);
	return 0;
}

static __always_inline struct ct_scratch *scratch_take(__u32 *key)
{
	__u32 first = bpf_get_smp_processor_id(), i;

	for (i = 0; i < CT_SCRATCH_SLOTS; i++) {
		struct ct_scratch *s;

		*key = (first + i) & (CT_SCRATCH_SLOTS - 1);
		s = bpf_map_lookup_elem(&ct_scratch_slots, key);

		if (s && __sync_lock_test_and_set(&s->busy, 1) == 0)
			return s;
	}
	return 0;
}

static __always_inline void scratch_give(struct ct_scratch *s)
{
	asm volatile("" ::: "memory");
	__sync_lock_test_and_set(&s->busy, 0);
}
