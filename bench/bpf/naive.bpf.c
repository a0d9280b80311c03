// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The naive way, to compare with: what one writes after reading libbpf's examples. A slot of fixed size for each of
 * four classes of payload, each class in a ring of its own; all strings read at every message; arguments through
 * libbpf's bpf_usdt_arg(); the default submit, which wakes the reader whenever it has caught up.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct naive_meta {
	__u64 peer_id;
	__u64 msg_size;
	char addr[68];
	char conn_type[20];
	char msg_type[20];
	__u8 inbound;
};

#define NAIVE_CLASS(name, payload_bytes, ring_bytes) \
	struct name##_slot {                         \
		struct naive_meta meta;              \
		__u8 payload[payload_bytes];         \
	};                                           \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_RINGBUF);  \
		__uint(max_entries, ring_bytes);     \
	} name SEC(".maps");

NAIVE_CLASS(naive_small, 256, 16 << 20)
NAIVE_CLASS(naive_medium, 4096, 16 << 20)
NAIVE_CLASS(naive_large, 65536, 32 << 20)
NAIVE_CLASS(naive_huge, 4000000, 64 << 20)

__u64 naive_lost; /* .bss */

static __always_inline void fill_meta(struct naive_meta *meta, __u64 id, void *addr, void *conn, void *type, __u64 size)
{
	meta->peer_id = id;
	meta->msg_size = size;
	meta->inbound = 1;
	bpf_probe_read_user_str(meta->addr, sizeof(meta->addr), addr);
	bpf_probe_read_user_str(meta->conn_type, sizeof(meta->conn_type), conn);
	bpf_probe_read_user_str(meta->msg_type, sizeof(meta->msg_type), type);
}

#define NAIVE_SEND(name)                                                                                        \
	do {                                                                                                    \
		struct name##_slot *slot = bpf_ringbuf_reserve(&name, sizeof(*slot), 0);                        \
		if (!slot) {                                                                                    \
			__sync_fetch_and_add(&naive_lost, 1);                                                   \
			return 0;                                                                               \
		}                                                                                               \
		fill_meta(&slot->meta, id, addr, conn, type, size);                                             \
		bpf_probe_read_user(slot->payload, size < sizeof(slot->payload) ? size : sizeof(slot->payload), \
				    payload);                                                                   \
		bpf_ringbuf_submit(slot, 0);                                                                    \
		return 0;                                                                                       \
	} while (0)

#pragma clang diagnostic ignored "-Wunused-parameter"
SEC("usdt")
int BPF_USDT(naive_message, __u64 id, void *addr, void *conn, void *type, __u64 size, void *payload)
{
	if (size <= 256)
		NAIVE_SEND(naive_small);
	if (size <= 4096)
		NAIVE_SEND(naive_medium);
	if (size <= 65536)
		NAIVE_SEND(naive_large);
	NAIVE_SEND(naive_huge);
}
