// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* P2P messages: the path that everything else is measured against. */
#pragma once

#include "bpf/args.h"
#include "bpf/ring.h"

/* Kept small: the stacks of functions that call each other may make 512 bytes, and older kernels (5.15, 6.1) round each
 * up to 32. What send_peer() needs is no longer needed when the message is sent. */
struct message {
	__u64 peer_id;
	union {
		__u64 addr;    /* send_peer() */
		__u64 payload; /* send_message() */
	};
	union {
		__u64 conn_type; /* send_peer() */
		__u64 size;      /* send_message() */
	};
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
	n = read_user_str(type, 32, address);
	if (n < 0) {
		type[0] = type[1] = type[2] = type[3] = 0;
		return 1;
	}
	*cut = n - 1 > CT_MSG_TYPE_SIZE;
	return 0;
}

/* A std::string's pointer nearly always points 16 bytes behind itself, into the string object: then one read has
 * fetched both. Whatever the layout, the pointer itself says whether it is so. 0: read; otherwise try the long way. */
static __always_inline int read_type_near(void *ctx, const volatile struct ct_plan_arg *arg, __u64 type[4])
{
	__u64 near[4], at, nul;

	if (arg->spec.where != CT_ARG_MEM || arg->spec.size != 8)
		return 1;
	at = read_reg(ctx, arg->spec.reg) + arg->spec.off;
	if (bpf_probe_read_user(near, sizeof(near), (void *)at) || near[0] != at + 16)
		return 1;
	nul = first_nul(near[2]);
	if (nul) {
		type[0] = keep_before(near[2], nul);
		return 0;
	}
	nul = first_nul(near[3]);
	if (!nul)
		return 1;
	type[0] = near[2];
	type[1] = keep_before(near[3], nul);
	return 0;
}

static __always_inline __u8 msg_type_id(const __u64 type[4])
{
	__u32 row = ct_msg_hash(type[0], type[1], CT_CONFIG.msg_mult) & 255;

	if (CT_CONFIG.msg_types[row].word[0] == type[0] && CT_CONFIG.msg_types[row].word[1] == type[1] && type[2] == 0)
		return CT_CONFIG.msg_ids[row] & (CT_MAX_MSG_TYPES - 1);
	return 0;
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

#define CT_PEER_SENT 16u       /* bit of a peer's tag: its strings are in the ring */
#define CT_PEER_ONCE 32u       /* send_peer()'s answer: do not remember, something could not be read */
#define CT_PEER_FAULTS 8       /* send_peer()'s answer: from this bit on, which arguments those were */
#define CT_PEER_CONTENDED 128u /* and why not, if not for want of room */
#define CT_PEER_FAILED 64u     /* send_peer()'s answer: the strings could not be sent */

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
	n = read_user_str(conn, sizeof(conn), m->conn_type);
	if (n < 0) {
		conn[0] = conn[1] = conn[2] = conn[3] = 0;
		faults |= 1u << 2;
		n = 1;
	}
	conn_size = n - 1;
	if (conn_size > CT_MAX_CONN_TYPE) {
		conn_size = CT_MAX_CONN_TYPE;
		cut |= 1u << 2;
	}
	id = conn_type_id(conn);
	if (!deliver)
		return faults ? id | CT_PEER_ONCE | faults << CT_PEER_FAULTS : id;

	position = ring_reserve(sizeof(*peer), sizeof(*peer));
	if (position >= CT_RESERVE_CONTENDED)
		return position == CT_RESERVE_FULL ? CT_PEER_FAILED : CT_PEER_FAILED | CT_PEER_CONTENDED;
	CT_RING_AT(peer, position, sizeof(*peer));
	if (!peer)
		return CT_PEER_FAILED;
	n = read_user_str(peer->addr, CT_MAX_STRING, m->addr);
	if (n < 0) {
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
	return id | (faults ? CT_PEER_ONCE | faults << CT_PEER_FAULTS : CT_PEER_SENT);
}

/* `size` is what was reserved; `n` bytes of payload are there, the rest stays zero. */
static __always_inline void fill_message(struct ct_ring_message *out, const struct message *m, __u32 n, __u64 ts_ns,
					 __u32 size)
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
#define CT_CLASS(N)                                                      \
	if (size <= (N) && (N) <= CT_CONFIG.elem_bytes) {                \
		position = ring_reserve(size, (N));                      \
		if (position >= CT_RESERVE_CONTENDED)                    \
			return position;                                 \
		CT_RING_AT(out, position, (N));                          \
		if (!out)                                                \
			return CT_RESERVE_FULL;                          \
		asm volatile("" : "+r"(n));                              \
		if (n > (N) - sizeof(*out))                              \
			n = (N) - sizeof(*out);                          \
		if (bpf_probe_read_user(out + 1, n, (void *)m->payload)) \
			fault = 1u << 5;                                 \
		goto filled;                                             \
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
	CT_CLASS(65536)
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
		if (m->captured <= 256 ||
		    CT_LOAD(ct_shared.produced) - CT_LOAD(ct_shared.consumed) <= CT_LOAD(ct_shared.shed_bytes)) {
			if (send_large(m) == 0) {
				if (m->faults)
					CT_ADD(counters->arg_faults, 1);
				return 0;
			}
		}
		/* the event is worth more than its payload */
		m->captured = 0;
		m->flags |= CT_F_SHED;
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
	if (m->flags & CT_F_SHED)
		CT_ADD(counters->payload_shed, 1);
	if (m->faults)
		CT_ADD(counters->arg_faults, 1);
	return 0;
}

/* Arguments are fetched when they are needed: each one in memory costs as much as three atomic additions. */
#define CT_FETCH(i) \
	(known ? fetch_known(ctx, &plan->args[i], i, &m.faults) : fetch_any(ctx, &plan->args[i], i, &m.faults))

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
	if ((!known || read_type_near(ctx, &plan->args[3], m.type_name)) && read_type(m.type_name, CT_FETCH(3), &cut))
		m.faults |= 1u << 3;
	m.msg_type = msg_type_id(m.type_name);
	snap = ct_shared.snap[m.msg_type & (CT_MAX_MSG_TYPES - 1)];
	deliver = mode == CT_MODE_DELIVER && snap != CT_SNAP_WITHHOLD;

	/* the process and the peer id, exactly: Bitcoin Core never uses a peer id twice */
	id = CT_PEER_TAG(tgid, m.peer_id);
	slot = CT_PEER_SLOT(tgid, m.peer_id);
	seen = ct_shared.peers[slot];
	conn = seen & 15;
	if (m.peer_id >> CT_PEER_ID_BITS || (seen & ~31ull) != id || (deliver && !(seen & CT_PEER_SENT))) {
		m.addr = CT_FETCH(1);
		m.conn_type = CT_FETCH(2);
		conn = send_peer(&m, slot, deliver);
		m.faults |= conn >> CT_PEER_FAULTS;
		if (!(conn & (CT_PEER_FAILED | CT_PEER_ONCE)) && m.peer_id >> CT_PEER_ID_BITS == 0)
			ct_shared.peers[slot] = id | (conn & 31);
	}

	m.size = CT_FETCH(4);
	counted = &ct_shared.messages[m.row & (CT_MAX_NODES - 1)][outbound & 1][conn & 15]
				     [m.msg_type & (CT_MAX_MSG_TYPES - 1)];
	CT_ADD(counted->count, 1);
	CT_ADD(counted->bytes, m.size);
	if (!deliver) {
		if (mode == CT_MODE_DELIVER)
			CT_ADD(ct_shared
				       .counters[m.row & (CT_MAX_NODES - 1)]
						[plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)]
				       .withheld,
			       1);
		return 0;
	}
	if (conn & CT_PEER_FAILED) /* without its peer's strings the event would be a wrong one */
		return count_lost(
			&ct_shared.counters[m.row & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)],
			conn & CT_PEER_CONTENDED ? CT_RESERVE_CONTENDED : CT_RESERVE_FULL);

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
