/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the kernel side (bpf/) and the user side share: limits, the records that travel, the plan the
 * kernel programs follow, the counters they keep. C, fixed widths, no pointers. Append, never edit;
 * CT_ABI_VERSION rises with every change of layout.
 *
 * Two layouts live here. RING records are what the kernel writes into the ring buffer: a P2P message leaves
 * out the strings that never change for a peer. The user side turns each into a canonical RECORD
 * (struct ct_record and what follows it), complete in itself: that is what pipelines and archives carry.
 */
#ifndef CORETAP_ABI_H
#define CORETAP_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define CT_STATIC_ASSERT static_assert
#else
#define CT_STATIC_ASSERT _Static_assert
#endif

#define CT_ABI_VERSION 1

/* ---- limits -------------------------------------------------------------------------------------------- */
#define CT_MAX_ARGS 12         /* doc/tracing.md of Bitcoin Core: zero to twelve arguments */
#define CT_MAX_TRACEPOINTS 128 /* ids: [0,64) the catalogue, [64,128) user-defined */
#define CT_USER_BASE 64
#define CT_MAX_PLANS 128 /* one plan a probe site; the plan's index is the BPF cookie */
#define CT_MAX_NODES 64  /* traced processes counted apart; the last row takes all beyond */
#define CT_NODE_OTHER (CT_MAX_NODES - 1)
#define CT_MAX_MSG_TYPES 64  /* 0 = a type we do not know */
#define CT_MAX_CONN_TYPES 16 /* 0 = a connection type we do not know */
#define CT_PEER_SLOTS 4096
#define CT_MAX_PAYLOAD 4000000 /* MAX_PROTOCOL_MESSAGE_LENGTH, src/net.h of Bitcoin Core */
#define CT_MAX_STRING 512      /* longest string captured, without its NUL */
#define CT_MAX_BYTES 32768     /* longest byte array of a user-defined tracepoint */
#define CT_MAX_CONN_TYPE 30    /* bytes kept of a connection type (documented maximum: 20) */
#define CT_MSG_TYPE_SIZE 24    /* bytes kept of a message type, NUL-padded (documented maximum: 20) */
#define CT_MAX_DATA 40960      /* slots and blob of a record that is not a P2P message */
#define CT_MAX_ADDR 260        /* bytes kept of a message's peer address: a host name (253), a port */

/* ---- the canonical record ------------------------------------------------------------------------------ */
/*
 * struct ct_record | __u64 slot[nargs] | blob
 * An integer argument's value is its slot (sign-extended). A string, hash or byte array stores the number of
 * bytes it has in the blob in its slot; the blob holds them in argument order, without padding or NULs.
 */
struct ct_record {
	__u64 ts_ns;      /* CLOCK_MONOTONIC at the firing */
	__u32 size;       /* of the whole record, header included */
	__u16 tracepoint; /* catalogue id */
	__u8 nargs;
	__u8 flags; /* CT_F_* */
	__u32 tgid; /* process that fired, in the tracer's pid namespace */
	__u32 tid;
	__u16 fault_mask; /* bit i: argument i could not be read, its value is unknown */
	__u16 cut_mask;   /* bit i: argument i is longer than what was captured */
	__u32 reserved;   /* 0 */
};
CT_STATIC_ASSERT(sizeof(struct ct_record) == 32, "ABI: append, never edit");

#define CT_F_SHED 1u   /* the payload was left out because the ring was filling up */
#define CT_F_POLICY 2u /* the payload was cut by the capture policy */

/* ---- the ring ------------------------------------------------------------------------------------------ */
/*
 * A ring of our own in a mapped array (ADR 1): a reservation is one compare-and-swap of ct_shared.produced. The
 * array's elements are contiguous; a record never crosses from one element to the next, what is left at the end is
 * a CT_RING_PAD. The head is written last, as one 64-bit word: 0 means not written yet, so the reader clears
 * what it has read before it moves ct_shared.consumed. Records start at multiples of 8.
 */
#define CT_RING_PAD 0xffu  /* skip to the next element */
#define CT_RING_EVENT 1u   /* a canonical record as is */
#define CT_RING_MESSAGE 2u /* struct ct_ring_message | payload */
#define CT_RING_PEER 3u    /* struct ct_ring_peer: the strings of a peer, before its first message */
#define CT_RING_EXEC 4u    /* struct ct_ring_exec: a process called execve (in a ring of its own, not an event) */

#define CT_ELEM_MAX (4u << 20) /* KMALLOC_MAX_SIZE bounds an array's elements on older kernels */
#define CT_ELEM_MIN (64u << 10)

struct ct_ring_head {
	__u32 size; /* bytes, this head included */
	__u32 kind;
};

struct ct_ring_event {
	struct ct_ring_head head;
	struct ct_record record;
};

struct ct_ring_message {
	struct ct_ring_head head;
	__u64 ts_ns;
	__u32 tgid;
	__u32 tid;
	__s64 peer_id;
	__u64 msg_size;     /* what the node had */
	__u32 payload_size; /* what was captured */
	__u16 tracepoint;
	__u16 fault_mask;
	__u8 flags;
	__u8 msg_type;               /* id, 0 = other */
	__u8 conn_type;              /* id, 0 = other */
	__u8 type_cut;               /* the message type was longer than CT_MSG_TYPE_SIZE */
	char type[CT_MSG_TYPE_SIZE]; /* NUL-padded */
	__u32 reserved;
};
CT_STATIC_ASSERT(sizeof(struct ct_ring_message) == 80, "ABI");

struct ct_ring_peer {
	struct ct_ring_head head;
	__s64 peer_id;
	__u32 tgid;
	__u16 addr_size; /* bytes captured */
	__u16 conn_type_size;
	__u16 slot;     /* of the peer cache */
	__u16 cut_mask; /* bits as in ct_record: 1 address, 2 connection type */
	__u16 fault_mask;
	__u16 reserved;
	char conn_type[32];
	char addr[CT_MAX_STRING];
};
CT_STATIC_ASSERT(sizeof(struct ct_ring_peer) == 64 + CT_MAX_STRING, "ABI");

struct ct_ring_exec {
	struct ct_ring_head head;
	__u64 ts_ns; /* CLOCK_MONOTONIC */
	__u32 tgid;
	__u32 reserved;
};

/* ---- the plan: how to fetch and what to do, found in the probe's note ---------------------------------- */
/* where an argument is */
#define CT_ARG_CONST 0
#define CT_ARG_REG 1
#define CT_ARG_MEM 2     /* *(reg + off) */
#define CT_ARG_MEM_SIB 3 /* *(reg + (index << scale) + off) */

struct ct_arg_spec {
	__s64 off;  /* constant, or displacement */
	__u8 where; /* CT_ARG_CONST... */
	__u8 reg;   /* index of a 64-bit word in the user's struct pt_regs; 0xff: no base register */
	__u8 index; /* likewise */
	__u8 scale; /* 0..3, a shift */
	__u8 size;  /* 1, 2, 4, 8 */
	__u8 is_signed;
	__u8 reg_shift; /* the value starts at this bit of the register (%ah: 8) */
	__u8 reserved;
};

/* what an argument is */
#define CT_TYPE_INT 0    /* also bool */
#define CT_TYPE_STRING 1 /* pointer to a C string */
#define CT_TYPE_HASH 2   /* pointer to 32 bytes */
#define CT_TYPE_BYTES 3  /* pointer to as many bytes as another argument says */

struct ct_plan_arg {
	struct ct_arg_spec spec;
	__u32 bound; /* most bytes captured: string (without NUL), bytes */
	__u8 type;
	__u8 len_arg; /* CT_TYPE_BYTES: which argument is the length */
	__u16 reserved;
};

/* what to do with a firing */
#define CT_MODE_OFF 0   /* not there */
#define CT_MODE_COUNT 1 /* count in the kernel, send nothing */
#define CT_MODE_DELIVER 2

#define CT_HANDLER_GENERIC 0
#define CT_HANDLER_MESSAGE 1
#define CT_HANDLER_COIN 2 /* utxocache:add, spent, uncache: hash, u32, u32, i64, bool */

struct ct_plan {
	__u16 tracepoint;
	__u8 nargs;
	__u8 mode;
	__u8 handler;
	__u8 outbound; /* CT_HANDLER_MESSAGE: 1 for net:outbound_message */
	__u16 reserved;
	struct ct_plan_arg args[CT_MAX_ARGS];
};

/* Plans at these indices are compiled into code of their own: the verifier knows their arguments. */
#define CT_PLAN_INBOUND 0
#define CT_PLAN_OUTBOUND 1
#define CT_PLAN_COIN_ADD 2
#define CT_PLAN_COIN_SPENT 3
#define CT_PLAN_FIRST_GENERIC 4

struct ct_name {
	__u64 word[3]; /* a short name, NUL-padded */
};

/* Read-only for the kernel programs, one for each traced binary; known to the verifier. */
struct ct_config {
	struct ct_plan plans[CT_MAX_PLANS];
	struct ct_name msg_types[256]; /* perfect hash: ct_msg_hash() finds the row */
	__u8 msg_ids[256];
	__u64 msg_mult;
	struct ct_name conn_types[CT_MAX_CONN_TYPES]; /* [1..): by id */
	__u32 elem_bytes;                             /* a power of two */
	__u32 ring_elems;                             /* a power of two */
};

/* The row of a message type, from the first 16 bytes of its name. */
#define ct_msg_hash(lo, hi, mult) ((((lo) ^ ((hi) << 27) ^ ((hi) >> 37)) * (mult)) >> 56)

/* ---- shared, writable: counters and switches ----------------------------------------------------------- */
struct ct_counters {
	__u64 fired;    /* CT_HANDLER_MESSAGE: 0 here, the sum of ct_shared.messages instead */
	__u64 withheld; /* counted, not sent: the policy said so */
	__u64 lost_ring_full;
	__u64 lost_contended; /* too many firings at once on other CPUs or preempted on this one */
	__u64 payload_shed;   /* sent, without the payload: the ring was filling up */
	__u64 arg_faults;     /* sent, with an argument that could not be read */
	__u64 reserved[2];
};

struct ct_msg_counters {
	__u64 count;
	__u64 bytes; /* payload bytes, without the 24-byte header of the v1 transport */
};

/* The peer cache: which peers' strings are in the ring. A slot is the tag of the process and the peer id, exact up
 * to CT_PEER_ID_BITS, and in its low bits the connection type's id and whether the strings were sent. */
#define CT_PEER_ID_BITS 35
#define CT_PEER_TAG(tgid, peer_id) (((__u64)(tgid) << 42) ^ ((__u64)(peer_id) << 5) ^ (1ull << 41))
#define CT_PEER_SLOT(tgid, peer_id) (((__u32)(peer_id) + (tgid)*61u) & (CT_PEER_SLOTS - 1))

/* what a message type's snap says */
#define CT_SNAP_WITHHOLD 0xffffffffu /* count it, send nothing */

struct ct_shared {
	/* written by the reader, read by the kernel programs */
	__u64 consumed;   /* position in the ring up to which it has been read and cleared */
	__u32 wake_armed; /* 1: ring the doorbell once when the ring fills past wake_bytes */
	__u32 wake_bytes;
	__u32 shed_bytes;  /* fill above which payloads are left out */
	__u32 tgid_filter; /* 0: every process of the binary */
	__u64 reserved[5];
	__u32 snap[CT_MAX_MSG_TYPES]; /* most payload bytes captured, by message type */
	/* written by the kernel programs */
	__u64 produced; /* position in the ring up to which it has been given out */
	__u64 reserved2[7];
	__u32 nodes[CT_MAX_NODES];  /* tgid of each row below; 0 = free */
	__u64 peers[CT_PEER_SLOTS]; /* CT_PEER_TAG; the reader clears those of a process that ended */
	struct ct_counters counters[CT_MAX_NODES][CT_MAX_TRACEPOINTS];
	struct ct_msg_counters messages[CT_MAX_NODES][2][CT_MAX_CONN_TYPES][CT_MAX_MSG_TYPES];
};

#endif
