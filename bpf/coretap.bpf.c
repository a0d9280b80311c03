// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The kernel side: one program on every probe of a traced binary. The BPF cookie is the index of the plan that
 * says how to fetch the arguments and what to do with them. Plans 0..3 are the hot tracepoints: for them the
 * arguments' places are constants to the verifier, which removes every branch not taken.
 *
 * Rules: the traced thread pays for every instruction here; nothing wakes the reader but wake_flags(); every
 * firing ends in exactly one of delivered, withheld, lost_*; no byte goes out that this firing did not write.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/coretap_abi.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The ring (abi/coretap_abi.h); the loader makes it in its real size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, CT_ELEM_MAX);
} ct_ring SEC(".maps");

/* Wakes the reader; what is in it says nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* the loader makes it a page */
} ct_doorbell SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ct_exec_ring SEC(".maps");

/* Memory to build a record in whose length is known only at its end. A firing owns a slot while busy is set: an
 * uprobe program can be preempted by another on its CPU, so a slot per CPU would be torn. */
#define CT_SCRATCH_SLOTS 8
struct ct_scratch {
	__u32 busy;
	/* in memory, so that the verifier forgets them between arguments and need not follow every path */
	__u32 used;
	__u32 fault_mask;
	__u32 cut_mask;
	struct ct_ring_event out;
	__u8 data[CT_MAX_DATA]; /* slots, then blob */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CT_SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct ct_scratch);
} ct_scratch_slots SEC(".maps");

struct ct_shared ct_shared; /* .bss: mapped by the reader */
const volatile struct ct_config CT_CONFIG SEC(".rodata.config") = {};

/*
 * Functions that are not static are verified once, on their own, whatever their callers' state: without that the
 * paths multiply beyond the verifier's patience. Their pointers may be null to it.
 */

/* ---- arguments ----------------------------------------------------------------------------------------- */

#if defined(__TARGET_ARCH_arm64)
#define CT_REGS 34
#else
#define CT_REGS 21
#endif

/* asm keeps clang from turning the cases into one load at a computed offset, which the verifier refuses */
#define CT_REG_CASE(n)                                                                          \
	case n:                                                                                 \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"((n) * 8)); \
		break

static __always_inline __u64 read_reg(void *ctx, __u8 index)
{
	__u64 value = 0;

	switch (index) {
	CT_REG_CASE(0); CT_REG_CASE(1); CT_REG_CASE(2); CT_REG_CASE(3); CT_REG_CASE(4); CT_REG_CASE(5);
	CT_REG_CASE(6); CT_REG_CASE(7); CT_REG_CASE(8); CT_REG_CASE(9); CT_REG_CASE(10); CT_REG_CASE(11);
	CT_REG_CASE(12); CT_REG_CASE(13); CT_REG_CASE(14); CT_REG_CASE(15); CT_REG_CASE(16); CT_REG_CASE(17);
	CT_REG_CASE(18); CT_REG_CASE(19); CT_REG_CASE(20);
#if CT_REGS > 21
	CT_REG_CASE(21); CT_REG_CASE(22); CT_REG_CASE(23); CT_REG_CASE(24); CT_REG_CASE(25); CT_REG_CASE(26);
	CT_REG_CASE(27); CT_REG_CASE(28); CT_REG_CASE(29); CT_REG_CASE(30); CT_REG_CASE(31); CT_REG_CASE(32);
	CT_REG_CASE(33);
#endif
	}
	return value;
}

static __always_inline __u64 extend(__u64 value, __u8 size, __u8 is_signed)
{
	__u8 shift = (64 - size * 8) & 63;

	value <<= shift;
	return is_signed ? (__u64)((__s64)value >> shift) : value >> shift;
}

static __always_inline int read_user_sized(__u64 *value, __u8 size, __u64 address)
{
	*value = 0;
	switch (size) {
	case 1:
		return bpf_probe_read_user(value, 1, (void *)address);
	case 2:
		return bpf_probe_read_user(value, 2, (void *)address);
	case 4:
		return bpf_probe_read_user(value, 4, (void *)address);
	default:
		return bpf_probe_read_user(value, 8, (void *)address);
	}
}

/* An argument whose spec the verifier knows. A faulting read sets the argument's bit in *faults. */
static __always_inline __u64 fetch_known(void *ctx, const volatile struct ct_plan_arg *arg, __u32 bit, __u32 *faults)
{
	__u8 where = arg->spec.where;
	__u64 value;

	if (where == CT_ARG_CONST)
		return arg->spec.off;
	value = read_reg(ctx, arg->spec.reg);
	if (where == CT_ARG_REG) {
		if (arg->spec.size == 8)
			return value;
		return extend(value >> arg->spec.reg_shift, arg->spec.size, arg->spec.is_signed);
	}
	if (where == CT_ARG_MEM_SIB)
		value += read_reg(ctx, arg->spec.index) << arg->spec.scale;
	if (read_user_sized(&value, arg->spec.size, value + arg->spec.off)) {
		*faults |= 1u << bit;
		return 0;
	}
	return arg->spec.size == 8 ? value : extend(value, arg->spec.size, arg->spec.is_signed);
}

static __always_inline __u64 reg_at(void *ctx, __u8 index)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + (index < CT_REGS ? index : 0) * 8);
	return value;
}

/* An argument whose spec is found at run time. */
static __always_inline __u64 fetch_any(void *ctx, const volatile struct ct_plan_arg *arg, __u32 bit, __u32 *faults)
{
	__u8 where = arg->spec.where;
	__u64 value;

	if (where == CT_ARG_CONST)
		return arg->spec.off;
	value = arg->spec.reg == 0xff ? 0 : reg_at(ctx, arg->spec.reg);
	if (where == CT_ARG_REG)
		return extend(value >> (arg->spec.reg_shift & 63), arg->spec.size, arg->spec.is_signed);
	if (where == CT_ARG_MEM_SIB)
		value += reg_at(ctx, arg->spec.index) << (arg->spec.scale & 3);
	if (read_user_sized(&value, arg->spec.size, value + arg->spec.off)) {
		*faults |= 1u << bit;
		return 0;
	}
	return extend(value, arg->spec.size, arg->spec.is_signed);
}

/* ---- who, when, how full ------------------------------------------------------------------------------- */

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
	if (base && at <= CT_CONFIG.elem_bytes - 136) {
		*(volatile __u64 *)(base + at);
		*(volatile __u64 *)(base + at + 64);
		*(volatile __u64 *)(base + at + 128);
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
					ring_commit((struct ct_ring_head *)(base + offset), CT_RING_PAD, sizeof(struct ct_ring_head));
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
#define CT_RING_AT(pointer, position, room)                                                             \
	do {                                                                                            \
		__u8 *base = ring_elem(position);                                                       \
		__u32 at = (position) & (CT_CONFIG.elem_bytes - 1);                                     \
													\
		asm volatile("" : "+r"(at));                                                            \
		(pointer) = base && (room) <= CT_CONFIG.elem_bytes && at <= CT_CONFIG.elem_bytes - (room) ? (void *)(base + at) : 0; \
	} while (0)

static __always_inline int count_lost(struct ct_counters *counters, __u64 position)
{
	if (position == CT_RESERVE_FULL)
		CT_ADD(counters->lost_ring_full, 1);
	else
		CT_ADD(counters->lost_contended, 1);
	return 0;
}

/* ---- P2P messages -------------------------------------------------------------------------------------- */

struct message {
	__u64 peer_id, addr, conn_type, type, size, payload;
	__u64 pid_tgid;
	__u64 type_name[4];
	__u32 faults;
	__u32 row;
	__u32 captured; /* payload bytes */
	__u16 tracepoint;
	__u8 msg_type;
	__u8 conn_type_id;
	__u8 type_cut;
	__u8 flags;
};

static __always_inline __u64 first_nul(__u64 word)
{
	/* the lowest set bit is right; those above may not be */
	return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

static __always_inline __u64 keep_before(__u64 word, __u64 nul)
{
	return word & (((nul & -nul) >> 7) - 1);
}

/* The message type, NUL-padded: at most 24 bytes. Nearly always it is a std::string's own 16 bytes. */
static __always_inline int read_type(__u64 type[4], __u64 address, __u8 *cut)
{
	__u64 nul;
	long n;

	if (bpf_probe_read_user(type, 16, (void *)address) == 0) {
		nul = first_nul(type[0]);
		if (nul) {
			type[0] = keep_before(type[0], nul);
			type[1] = 0;
			return 0;
		}
		nul = first_nul(type[1]);
		if (nul) {
			type[1] = keep_before(type[1], nul);
			return 0;
		}
	}
	type[0] = type[1] = 0;
	n = bpf_probe_read_user_str(type, 32, (void *)address);
	if (n < 0) {
		type[0] = type[1] = type[2] = type[3] = 0;
		return 1;
	}
	*cut = n - 1 > CT_MSG_TYPE_SIZE;
	return 0;
}

static __always_inline __u8 msg_type_id(const __u64 type[4])
{
	__u32 row = ct_msg_hash(type[0], type[1], CT_CONFIG.msg_mult) & 255;

	if (CT_CONFIG.msg_types[row].word[0] == type[0] && CT_CONFIG.msg_types[row].word[1] == type[1] && type[2] == 0)
		return CT_CONFIG.msg_ids[row] & (CT_MAX_MSG_TYPES - 1);
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

static __always_inline __u8 conn_type_id(const __u64 name[4])
{
	__u8 id = 0;
	__u32 i;

	for (i = 1; i < CT_MAX_CONN_TYPES; i++) {
		if (CT_CONFIG.conn_types[i].word[0] == name[0] && CT_CONFIG.conn_types[i].word[1] == name[1] &&
		    CT_CONFIG.conn_types[i].word[2] == name[2] && name[0] != 0)
			id = i;
	}
	return id;
}

#define CT_PEER_SENT 16u   /* bit of a peer's tag: its strings are in the ring */
#define CT_PEER_ONCE 32u   /* send_peer()'s answer: do not remember, something could not be read */
#define CT_PEER_FAILED 64u /* send_peer()'s answer: the strings could not be sent */

/* The first message of a peer: learn its connection type and, when messages are delivered, send its strings
 * ahead. Returns the connection type's id and CT_PEER_* bits. */
__noinline __u32 send_peer(const struct message *m, __u32 slot, __u32 deliver)
{
	__u64 conn[4] = {}, position;
	struct ct_ring_peer *peer;
	__u32 id, faults = 0, cut = 0, conn_size;
	long n;

	if (!m)
		return CT_PEER_FAILED;
	n = bpf_probe_read_user_str(conn, sizeof(conn), (void *)m->conn_type);
	if (n <= 0) {
		conn[0] = conn[1] = conn[2] = conn[3] = 0;
		faults |= 1u << 2;
		n = 1;
	}
	conn_size = n - 1;
	if (conn_size == sizeof(conn) - 1)
		cut |= 1u << 2;
	id = conn_type_id(conn);
	if (!deliver)
		return faults ? id | CT_PEER_ONCE : id;

	position = ring_reserve(sizeof(*peer), sizeof(*peer));
	if (position >= CT_RESERVE_CONTENDED)
		return CT_PEER_FAILED;
	CT_RING_AT(peer, position, sizeof(*peer));
	if (!peer)
		return CT_PEER_FAILED;
	n = bpf_probe_read_user_str(peer->addr, CT_MAX_STRING, (void *)m->addr);
	if (n <= 0) {
		faults |= 1u << 1;
		n = 1;
	}
	if (n > CT_MAX_ADDR + 1) {
		n = CT_MAX_ADDR + 1;
		cut |= 1u << 1;
	}
	peer->peer_id = m->peer_id;
	peer->tgid = m->pid_tgid >> 32;
	peer->addr_size = n - 1;
	peer->conn_type_size = conn_size;
	peer->slot = slot;
	peer->cut_mask = cut;
	peer->fault_mask = faults;
	peer->reserved = 0;
	__builtin_memcpy(peer->conn_type, conn, sizeof(conn));
	ring_commit(&peer->head, CT_RING_PEER, sizeof(*peer));
	return id | (faults ? CT_PEER_ONCE : CT_PEER_SENT);
}

/* `size` is what was reserved; `n` bytes of payload are there, the rest stays zero. */
static __always_inline void fill_message(struct ct_ring_message *out, const struct message *m, __u32 n, __u64 ts_ns, __u32 size)
{
	out->ts_ns = ts_ns;
	out->tgid = m->pid_tgid >> 32;
	out->tid = (__u32)m->pid_tgid;
	out->peer_id = m->peer_id;
	out->msg_size = m->size;
	out->payload_size = n;
	out->tracepoint = m->tracepoint;
	out->fault_mask = m->faults;
	out->flags = m->flags;
	out->msg_type = m->msg_type;
	out->conn_type = m->conn_type_id;
	out->type_cut = m->type_cut;
	__builtin_memcpy(out->type, m->type_name, CT_MSG_TYPE_SIZE);
	ring_commit(&out->head, CT_RING_MESSAGE, size);
	ring_wake();
}

/* Payload sizes beyond the small one, as bounds the verifier can see; what is given out is the exact size. */
#define CT_CLASS(N)                                                              \
	if (size <= (N)) {                                                       \
		position = ring_reserve(size, (N));                              \
		if (position >= CT_RESERVE_CONTENDED)                            \
			return position;                                         \
		CT_RING_AT(out, position, (N));                                  \
		if (!out)                                                        \
			return CT_RESERVE_FULL;                                  \
		asm volatile("" : "+r"(n));                                      \
		if (n > (N) - sizeof(*out))                                      \
			n = (N) - sizeof(*out);                                  \
		if (bpf_probe_read_user(out + 1, n, (void *)m->payload))         \
			fault = 1u << 5;                                         \
		goto filled;                                                     \
	}

/* Send a message with more payload than the small one. Returns a CT_RESERVE_* if the ring has no room. */
__noinline __u64 send_large(struct message *m)
{
	struct ct_ring_message *out = 0;
	__u64 ts_ns = bpf_ktime_get_ns(), position;
	__u32 n, size, fault = 0;

	if (!m)
		return CT_RESERVE_FULL;
	n = m->captured;
	size = sizeof(struct ct_ring_message) + n;
	CT_CLASS(1024)
	CT_CLASS(16384)
	CT_CLASS(131072)
	CT_CLASS(1048576)
	CT_CLASS(CT_ELEM_MAX)
	return CT_RESERVE_FULL;
filled:
	if (fault) {
		m->faults |= fault;
		n = 0;
	}
	fill_message(out, m, n, ts_ns, size);
	return 0;
}

#define CT_SMALL 144 /* a message with up to 64 bytes of payload: pings, single invs */

/* Send one message that has been counted. */
__noinline int send_message(struct message *m)
{
	struct ct_counters *counters;
	struct ct_ring_message *out;
	__u64 ts_ns, position;
	__u32 n, size;

	if (!m)
		return 0;
	counters = &ct_shared.counters[m->row & (CT_MAX_NODES - 1)][m->tracepoint & (CT_MAX_TRACEPOINTS - 1)];
	if (m->captured > CT_SMALL - sizeof(*out)) {
		if (m->captured <= 256 || CT_LOAD(ct_shared.produced) - CT_LOAD(ct_shared.consumed) <= CT_LOAD(ct_shared.shed_bytes)) {
			if (send_large(m) == 0) {
				if (m->faults)
					CT_ADD(counters->arg_faults, 1);
				return 0;
			}
		}
		/* the event is worth more than its payload */
		m->captured = 0;
		m->flags |= CT_F_SHED;
		CT_ADD(counters->payload_shed, 1);
	}

	ts_ns = bpf_ktime_get_ns();
	n = m->captured;
	size = sizeof(*out) + n;
	position = ring_reserve(size, CT_SMALL);
	if (position >= CT_RESERVE_CONTENDED)
		return count_lost(counters, position);
	CT_RING_AT(out, position, CT_SMALL);
	if (!out)
		return 0;
	asm volatile("" : "+r"(n));
	if (n > CT_SMALL - sizeof(*out))
		n = CT_SMALL - sizeof(*out);
	if (n && bpf_probe_read_user(out + 1, n, (void *)m->payload)) {
		n = 0;
		m->faults |= 1u << 5;
	}
	fill_message(out, m, n, ts_ns, size);
	if (m->faults)
		CT_ADD(counters->arg_faults, 1);
	return 0;
}

/* Arguments are fetched when they are needed: each one in memory costs as much as three atomic additions. */
#define CT_FETCH(i) (known ? fetch_known(ctx, &plan->args[i], i, &m.faults) : fetch_any(ctx, &plan->args[i], i, &m.faults))

static __always_inline int on_message(void *ctx, const volatile struct ct_plan *plan, __u8 outbound, int known)
{
	__u8 mode = plan->mode, cut = 0, deliver;
	struct ct_msg_counters *counted;
	__u32 tgid, slot, conn, snap;
	struct message m = {};
	__u64 id, seen;

	m.pid_tgid = bpf_get_current_pid_tgid();
	tgid = m.pid_tgid >> 32;
	if (ct_shared.tgid_filter && ct_shared.tgid_filter != tgid)
		return 0;
	if (mode == CT_MODE_DELIVER)
		ring_prefetch();
	m.row = node_row(tgid);
	m.peer_id = CT_FETCH(0);
	if (read_type(m.type_name, CT_FETCH(3), &cut))
		m.faults |= 1u << 3;
	m.msg_type = msg_type_id(m.type_name);
	snap = ct_shared.snap[m.msg_type & (CT_MAX_MSG_TYPES - 1)];
	deliver = mode == CT_MODE_DELIVER && snap != CT_SNAP_WITHHOLD;

	/* the process and the peer id, exactly: Bitcoin Core never uses a peer id twice */
	id = CT_PEER_TAG(tgid, m.peer_id);
	slot = CT_PEER_SLOT(tgid, m.peer_id);
	seen = ct_shared.peers[slot];
	conn = seen & 15;
	if ((seen & ~31ull) != id || (deliver && !(seen & CT_PEER_SENT))) {
		m.addr = CT_FETCH(1);
		m.conn_type = CT_FETCH(2);
		conn = send_peer(&m, slot, deliver);
		if (!(conn & (CT_PEER_FAILED | CT_PEER_ONCE)) && m.peer_id >> CT_PEER_ID_BITS == 0)
			ct_shared.peers[slot] = id | (conn & 31);
	}

	m.size = CT_FETCH(4);
	counted = &ct_shared.messages[m.row & (CT_MAX_NODES - 1)][outbound & 1][conn & 15][m.msg_type & (CT_MAX_MSG_TYPES - 1)];
	CT_ADD(counted->count, 1);
	CT_ADD(counted->bytes, m.size);
	if (!deliver) {
		if (mode == CT_MODE_DELIVER)
			CT_ADD(ct_shared.counters[m.row & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)].withheld, 1);
		return 0;
	}
	if (conn & CT_PEER_FAILED) { /* without its peer's strings the event would be a wrong one */
		CT_ADD(ct_shared.counters[m.row & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)].lost_ring_full, 1);
		return 0;
	}

	m.tracepoint = plan->tracepoint;
	m.conn_type_id = conn & 15;
	m.type_cut = cut;
	m.captured = m.size > CT_MAX_PAYLOAD ? CT_MAX_PAYLOAD : (__u32)m.size;
	if (m.captured > snap) {
		m.captured = snap;
		m.flags |= CT_F_POLICY;
	}
	if (m.captured) {
		m.payload = CT_FETCH(5);
		if (m.faults & (1u << 4 | 1u << 5))
			m.captured = 0;
	}
	return send_message(&m);
}

/* ---- coins: hash, index, height, value, coinbase ------------------------------------------------------- */

static __always_inline int known_coin(void *ctx, const volatile struct ct_plan *plan)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid(), txid, position;
	struct ct_counters *counters;
	struct {
		struct ct_ring_event event;
		__u64 slot[5];
		__u8 txid[32];
	} *out;
	__u32 faults = 0;

	if (ct_shared.tgid_filter && ct_shared.tgid_filter != pid_tgid >> 32)
		return 0;
	counters = &ct_shared.counters[node_row(pid_tgid >> 32) & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)];
	CT_ADD(counters->fired, 1);
	if (plan->mode != CT_MODE_DELIVER)
		return 0;

	__u64 ts_ns = bpf_ktime_get_ns();

	position = ring_reserve(sizeof(*out), sizeof(*out));
	if (position >= CT_RESERVE_CONTENDED)
		return count_lost(counters, position);
	CT_RING_AT(out, position, sizeof(*out));
	if (!out)
		return 0;
	txid = fetch_known(ctx, &plan->args[0], 0, &faults);
	if (bpf_probe_read_user(out->txid, sizeof(out->txid), (void *)txid))
		faults |= 1;
	out->slot[0] = faults & 1 ? 0 : 32;
	out->slot[1] = fetch_known(ctx, &plan->args[1], 1, &faults);
	out->slot[2] = fetch_known(ctx, &plan->args[2], 2, &faults);
	out->slot[3] = fetch_known(ctx, &plan->args[3], 3, &faults);
	out->slot[4] = fetch_known(ctx, &plan->args[4], 4, &faults);
	out->event.record.size = sizeof(out->event.record) + sizeof(out->slot) + (faults & 1 ? 0 : 32);
	out->event.record.ts_ns = ts_ns;
	out->event.record.tracepoint = plan->tracepoint;
	out->event.record.nargs = 5;
	out->event.record.flags = 0;
	out->event.record.tgid = pid_tgid >> 32;
	out->event.record.tid = (__u32)pid_tgid;
	out->event.record.fault_mask = faults;
	out->event.record.cut_mask = 0;
	out->event.record.reserved = 0;
	ring_commit(&out->event.head, CT_RING_EVENT, sizeof(*out));
	ring_wake();
	if (faults)
		CT_ADD(counters->arg_faults, 1);
	return 0;
}

/* ---- everything else: as the plan says ----------------------------------------------------------------- */

static __always_inline __u64 *slot_of(struct ct_scratch *s, __u32 i)
{
	return (__u64 *)(s->data + (i & 15) * 8);
}

/* One argument with bytes of its own, appended to the blob. Its slot held the pointer, and now holds the size. */
__noinline int append_arg(__u32 key, __u32 index, __u32 i)
{
	const volatile struct ct_plan_arg *arg = &CT_CONFIG.plans[index & (CT_MAX_PLANS - 1)].args[i < CT_MAX_ARGS ? i : 0];
	struct ct_scratch *s = bpf_map_lookup_elem(&ct_scratch_slots, &key);
	__u32 used, room, bit = 1u << (i & 15);
	__u64 pointer, length;
	long n;

	if (!s)
		return 0;
	used = s->used;
	pointer = *slot_of(s, i);
	*slot_of(s, i) = 0;
	if (s->fault_mask & bit)
		return 0;
	room = arg->bound;
	if (arg->type == CT_TYPE_BYTES) {
		if (s->fault_mask & (1u << (arg->len_arg & 15)))
			goto fault;
		if (used > CT_MAX_DATA - CT_MAX_BYTES)
			goto no_room;
		length = *slot_of(s, arg->len_arg);
		if (length > room)
			s->cut_mask |= bit;
		else
			room = length;
		asm volatile("" : "+r"(room));
		if (room > CT_MAX_BYTES)
			room = CT_MAX_BYTES;
		if (room && bpf_probe_read_user(s->data + used, room, (void *)pointer))
			goto fault;
		n = room;
	} else {
		if (used > CT_MAX_DATA - CT_MAX_STRING - 8)
			goto no_room;
		if (arg->type == CT_TYPE_HASH) {
			if (bpf_probe_read_user(s->data + used, 32, (void *)pointer))
				goto fault;
			n = 32;
		} else {
			if (room > CT_MAX_STRING)
				room = CT_MAX_STRING;
			/* one more than the bound, to see that it goes on */
			n = bpf_probe_read_user_str(s->data + used, room + 2, (void *)pointer);
			if (n <= 0)
				goto fault;
			n -= 1;
			if (n > room) {
				n = room;
				s->cut_mask |= bit;
			}
		}
	}
	*slot_of(s, i) = n;
	s->used = used + n;
	return 0;
no_room:
	s->cut_mask |= bit;
	return 0;
fault:
	s->fault_mask |= bit;
	s->cut_mask &= ~bit;
	return 0;
}

static __noinline int on_other(void *ctx, __u32 index, __u32 row)
{
	const volatile struct ct_plan *plan = &CT_CONFIG.plans[index & (CT_MAX_PLANS - 1)];
	__u64 ts_ns = bpf_ktime_get_ns(), pid_tgid = bpf_get_current_pid_tgid();
	struct ct_counters *counters = &ct_shared.counters[row & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)];
	struct ct_ring_event *out;
	__u32 i, size, total, nargs = plan->nargs, key = 0;
	__u64 position;
	struct ct_scratch *s = scratch_take(&key);
	__u32 faults;

	if (!s) {
		CT_ADD(counters->lost_contended, 1);
		return 0;
	}
	s->used = nargs * 8;
	s->fault_mask = 0;
	s->cut_mask = 0;
	for (i = 0; i < CT_MAX_ARGS && i < nargs; i++) {
		*slot_of(s, i) = fetch_any(ctx, &plan->args[i], i, &s->fault_mask);
	}
	for (i = 0; i < CT_MAX_ARGS && i < nargs; i++) {
		if (plan->args[i].type != CT_TYPE_INT)
			append_arg(key, index, i);
	}
	size = sizeof(s->out.record) + s->used;
	s->out.record.ts_ns = ts_ns;
	s->out.record.size = size;
	s->out.record.tracepoint = plan->tracepoint;
	s->out.record.nargs = nargs;
	s->out.record.flags = 0;
	s->out.record.tgid = pid_tgid >> 32;
	s->out.record.tid = (__u32)pid_tgid;
	s->out.record.fault_mask = s->fault_mask;
	s->out.record.cut_mask = s->cut_mask;
	s->out.record.reserved = 0;
	faults = s->fault_mask;

	position = ring_reserve(sizeof(s->out.head) + size, sizeof(s->out) + CT_MAX_DATA);
	if (position >= CT_RESERVE_CONTENDED) {
		count_lost(counters, position);
		goto done;
	}
	CT_RING_AT(out, position, sizeof(s->out) + CT_MAX_DATA);
	if (!out)
		goto done;
	total = size;
	asm volatile("" : "+r"(size));
	if (size > sizeof(s->out.record) + CT_MAX_DATA)
		size = sizeof(s->out.record) + CT_MAX_DATA;
	bpf_probe_read_kernel(&out->record, size, &s->out.record);
	ring_commit(&out->head, CT_RING_EVENT, sizeof(s->out.head) + total);
	ring_wake();
	if (faults)
		CT_ADD(counters->arg_faults, 1);
done:
	scratch_give(s);
	return 0;
}

static __noinline int on_any(void *ctx, __u32 index)
{
	const volatile struct ct_plan *plan = &CT_CONFIG.plans[index & (CT_MAX_PLANS - 1)];
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 row;

	if (plan->mode == CT_MODE_OFF || (ct_shared.tgid_filter && ct_shared.tgid_filter != pid_tgid >> 32))
		return 0;
	if (plan->handler == CT_HANDLER_MESSAGE) /* a second site of a message tracepoint */
		return on_message(ctx, plan, plan->outbound, 0);
	row = node_row(pid_tgid >> 32);
	CT_ADD(ct_shared.counters[row & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)].fired, 1);
	if (plan->mode != CT_MODE_DELIVER)
		return 0;
	return on_other(ctx, index, row);
}

SEC("uprobe")
int coretap(void *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);

	if (cookie == CT_PLAN_INBOUND)
		return on_message(ctx, &CT_CONFIG.plans[CT_PLAN_INBOUND], 0, 1);
	if (cookie == CT_PLAN_OUTBOUND)
		return on_message(ctx, &CT_CONFIG.plans[CT_PLAN_OUTBOUND], 1, 1);
	if (cookie == CT_PLAN_COIN_ADD)
		return known_coin(ctx, &CT_CONFIG.plans[CT_PLAN_COIN_ADD]);
	if (cookie == CT_PLAN_COIN_SPENT)
		return known_coin(ctx, &CT_CONFIG.plans[CT_PLAN_COIN_SPENT]);
	return on_any(ctx, cookie);
}

/* Tells the attacher that a process has a new executable, so that a node is traced before it does anything. */
SEC("raw_tp/sched_process_exec")
int coretap_exec(void *ctx __attribute__((unused)))
{
	struct ct_ring_exec exec = {};

	exec.head.size = sizeof(exec);
	exec.head.kind = CT_RING_EXEC;
	exec.tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_output(&ct_exec_ring, &exec, sizeof(exec), 0);
	return 0;
}
