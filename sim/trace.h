// USDT tracepoints as Bitcoin Core defines them (src/util/trace.h there): variadic, with a semaphore that gates
// the preparation of the arguments. Our own copy of the idea, so that a tracer finds the same notes, the same
// operand forms and the same gating in the stand-in as in a node.
#pragma once

#define SDT_USE_VARIADIC 1
#define _SDT_HAS_SEMAPHORES 1

#include <sys/sdt.h>

/** Defines the semaphore; at global scope, once a tracepoint. The kernel raises it for as long as a tracer is attached. */
#define TRACEPOINT_SEMAPHORE(context, event)                                                      \
    extern "C" {                                                                                  \
    __attribute__((section(".probes"))) volatile unsigned short context##_##event##_semaphore{0}; \
    }

#define TRACEPOINT_ACTIVE(context, event) (context##_##event##_semaphore > 0)

/** The bare site, without the gate: the caller has checked TRACEPOINT_ACTIVE and has counted. */
#define TRACEPOINT_SITE(context, event, ...) STAP_PROBEV(context, event __VA_OPT__(, ) __VA_ARGS__)

// One tracepoint must stay one site: nothing may be inlined, cloned, or specialised for constant arguments
// (a site with `$0` for an operand is not what a node has).
#if defined(__clang__)
#define CORETAP_SIM_ONE_SITE __attribute__((noinline, optnone))
#else
#define CORETAP_SIM_ONE_SITE __attribute__((noipa))
#endif
