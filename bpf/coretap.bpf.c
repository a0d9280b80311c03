// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The kernel side: one program on every probe of a traced binary. The BPF cookie is the index of the plan that
 * says how to fetch the arguments and what to do with them. Plans 0..3 are the hot tracepoints: for them the
 * arguments' places are constants to the verifier, which removes every branch not taken.
 *
 * Rules: the traced thread pays for every instruction here; nothing wakes the reader but ring_wake(); every
 * firing ends in exactly one of delivered, withheld, lost_*; no byte goes out that this firing did not write.
 *
 * Functions that are not static are verified once, on their own, whatever their callers' state: without that the
 * paths multiply beyond the verifier's patience. Their pointers may be null to it.
 */
#include "bpf/message.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* ---- coins: hash, index, height, value, coinbase ------------------------------------------------------- */

static __always_inline int known_coin(void *ctx, const volatile struct ct_plan *plan)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid(), txid, position;
	struct ct_counters *counters;
	struct {
		struct ct_ring_event event;
		__u64 slot[5];
		__u8 txid[32];
	} * out;
	__u32 faults = 0;

	if (ct_shared.tgid_filter && ct_shared.tgid_filter != pid_tgid >> 32)
		return 0;
	if (plan->mode == CT_MODE_DELIVER)
		ring_prefetch();
	counters = &ct_shared.counters[node_row(pid_tgid >> 32) & (CT_MAX_NODES - 1)]
				      [plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)];
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
	const volatile struct ct_plan_arg *arg;
	struct ct_scratch *s = bpf_map_lookup_elem(&ct_scratch_slots, &key);
	__u32 used, room, bit = 1u << (i & 15);
	__u64 pointer, length;
	long n;

	if (!s || i >= CT_MAX_ARGS)
		return 0;
	asm volatile("" : "+r"(i)); /* to an older verifier (6.1) a copy made before the comparison has no bound */
	arg = &CT_CONFIG.plans[index & (CT_MAX_PLANS - 1)].args[i];
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
			n = read_user_str(s->data + used, room + 2, pointer);
			if (n < 0)
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
	struct ct_counters *counters =
		&ct_shared.counters[row & (CT_MAX_NODES - 1)][plan->tracepoint & (CT_MAX_TRACEPOINTS - 1)];
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
	exec.ts_ns = bpf_ktime_get_ns();
	exec.tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_output(&ct_exec_ring, &exec, sizeof(exec), 0);
	return 0;
}
