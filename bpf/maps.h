// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The maps, and what the programs share with the reader and know from the loader. */
#pragma once

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/coretap_abi.h"

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
