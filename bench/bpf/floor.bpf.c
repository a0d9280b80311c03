// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The floor: what a probe costs when its program does nothing. */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("uprobe")
int floor_probe(void *ctx __attribute__((unused)))
{
	return 0;
}
