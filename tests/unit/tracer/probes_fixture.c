/*
 * A binary with probes as Bitcoin Core has them (semaphores, one probe in two places), and one whose operands
 * no compiler chose. Read by elf_probes_test.cpp, never run.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define SEMAPHORE(provider, name) __extension__ unsigned short provider##_##name##_semaphore __attribute__((unused, section(".probes")))

SEMAPHORE(net, inbound_message);
SEMAPHORE(mempool, added);
SEMAPHORE(fixture, odd);
SEMAPHORE(fixture, floating);

__attribute__((noinline)) static void Message(long long peer, const char* addr, unsigned long long size, const unsigned char* payload)
{
    if (net_inbound_message_semaphore) STAP_PROBE6(net, inbound_message, peer, addr, "inbound", "ping", size, payload);
}

__attribute__((noinline)) static void Added(const unsigned char* hash, int vsize, long long fee)
{
    STAP_PROBE3(mempool, added, hash, vsize, fee);
}

int main(int argc, char** argv)
{
    const unsigned char* bytes = (const unsigned char*)argv[0];

    Message(argc, argv[0], 8, bytes);
    Added(bytes, argc, 1000);
    STAP_PROBE3(mempool, added, bytes, 250, (long long)argc);
    /* clang-format off */
	__asm__ volatile(STAP_PROBE_ASM(fixture, odd, 8@(%rax,%rbx,4) -4@$-9 1@%ah 8@-24+8(%rbp) -2@%r9w));
    /* clang-format on */
    STAP_PROBE1(fixture, floating, (double)argc);
    return 0;
}
