// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Fetching the arguments of a probe: from registers and memory, as its plan says. */
#pragma once

#include "bpf/maps.h"

#if defined(__TARGET_ARCH_arm64)
#define CT_REGS 34
#else
#define CT_REGS 21
#endif

/* asm keeps clang from turning the cases into one load at a computed offset, which the verifier refuses */
#define CT_REG_CASE(n)                                                                       \
	case n:                                                                              \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"((n)*8)); \
		break

static __always_inline __u64 read_reg(void *ctx, __u8 index)
{
	__u64 value = 0;

	switch (index) {
		/* clang-format off */
	CT_REG_CASE(0); CT_REG_CASE(1); CT_REG_CASE(2); CT_REG_CASE(3); CT_REG_CASE(4); CT_REG_CASE(5);
	CT_REG_CASE(6); CT_REG_CASE(7); CT_REG_CASE(8); CT_REG_CASE(9); CT_REG_CASE(10); CT_REG_CASE(11);
	CT_REG_CASE(12); CT_REG_CASE(13); CT_REG_CASE(14); CT_REG_CASE(15); CT_REG_CASE(16); CT_REG_CASE(17);
	CT_REG_CASE(18); CT_REG_CASE(19); CT_REG_CASE(20);
#if CT_REGS > 21
	CT_REG_CASE(21); CT_REG_CASE(22); CT_REG_CASE(23); CT_REG_CASE(24); CT_REG_CASE(25); CT_REG_CASE(26);
	CT_REG_CASE(27); CT_REG_CASE(28); CT_REG_CASE(29); CT_REG_CASE(30); CT_REG_CASE(31); CT_REG_CASE(32);
	CT_REG_CASE(33);
#endif
		/* clang-format on */
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

/* Copies a string; its length with the NUL, or a negative error. Older kernels (5.15, 6.1) say 0
 * for an empty one. */
static __always_inline long read_user_str(void *to, __u32 size, __u64 address)
{
	long n = bpf_probe_read_user_str(to, size, (void *)address);

	return n == 0 ? 1 : n;
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
