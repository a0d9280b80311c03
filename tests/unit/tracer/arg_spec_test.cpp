#include "tracer/arg_spec.h"

#include <limits>
#include <span>
#include <string>

#include <elf.h>
#include <gtest/gtest.h>

namespace coretap::tracer {
namespace {

using util::Errc;

// words of struct pt_regs, x86-64
enum : std::uint8_t { R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS };
constexpr std::uint8_t ARM_SP{31};

ct_arg_spec Spec(std::uint8_t where, std::uint8_t size, bool is_signed)
{
    ct_arg_spec spec{};
    spec.where = where;
    spec.size = size;
    spec.is_signed = is_signed ? 1 : 0;
    return spec;
}
ct_arg_spec Const(std::int64_t value, std::uint8_t size, bool is_signed)
{
    ct_arg_spec spec{Spec(CT_ARG_CONST, size, is_signed)};
    spec.off = value;
    return spec;
}
ct_arg_spec Reg(std::uint8_t word, std::uint8_t size, bool is_signed, std::uint8_t shift = 0)
{
    ct_arg_spec spec{Spec(CT_ARG_REG, size, is_signed)};
    spec.reg = word;
    spec.reg_shift = shift;
    return spec;
}
ct_arg_spec Mem(std::uint8_t word, std::int64_t off, std::uint8_t size, bool is_signed)
{
    ct_arg_spec spec{Spec(CT_ARG_MEM, size, is_signed)};
    spec.off = off;
    spec.reg = word;
    return spec;
}
ct_arg_spec Sib(std::uint8_t word, std::uint8_t index, std::uint8_t scale, std::int64_t off, std::uint8_t size, bool is_signed)
{
    ct_arg_spec spec{Mem(word, off, size, is_signed)};
    spec.where = CT_ARG_MEM_SIB;
    spec.index = index;
    spec.scale = scale;
    return spec;
}

std::string Show(const ct_arg_spec& s)
{
    return "where " + std::to_string(s.where) + " reg " + std::to_string(s.reg) + " index " + std::to_string(s.index) + " scale " +
           std::to_string(s.scale) + " off " + std::to_string(s.off) + " size " + std::to_string(s.size) + " signed " +
           std::to_string(s.is_signed) + " shift " + std::to_string(s.reg_shift) + " reserved " + std::to_string(s.reserved);
}

struct Good {
    const char* text;
    ct_arg_spec spec;
};

void ExpectEach(std::span<const Good> rows, std::uint16_t machine)
{
    for (const Good& row : rows) {
        const auto specs = ParseArgSpecs(row.text, machine);
        ASSERT_TRUE(specs) << row.text << ": " << specs.GetError().what;
        ASSERT_EQ(specs->size(), 1U) << row.text;
        EXPECT_EQ(Show(specs->front()), Show(row.spec)) << row.text;
    }
}

TEST(ArgSpec, X86Operands)
{
    const Good rows[]{
        {"-4@$-9", Const(-9, 4, true)},
        {"4@$-1", Const(0xffffffff, 4, false)},
        {"1@$300", Const(44, 1, false)},
        {"-1@$255", Const(-1, 1, true)},
        {"8@$0x10", Const(16, 8, false)},
        {"8@$18446744073709551615", Const(-1, 8, false)},
        {"-8@$-9223372036854775808", Const(std::numeric_limits<std::int64_t>::min(), 8, true)},
        {"-4@$8+4-1", Const(11, 4, true)},
        {"-4@$+7", Const(7, 4, true)},
        {"8@%rax", Reg(RAX, 8, false)},
        {"-4@%eax", Reg(RAX, 4, true)},
        {"2@%ax", Reg(RAX, 2, false)},
        {"1@%al", Reg(RAX, 1, false)},
        {"-1@%ah", Reg(RAX, 1, true, 8)},
        {"1@%bh", Reg(RBX, 1, false, 8)},
        {"8@%eax", Reg(RAX, 8, false)}, // the size before the @ decides
        {"-4@%rcx", Reg(RCX, 4, true)},
        {"1@%sil", Reg(RSI, 1, false)},
        {"1@%dil", Reg(RDI, 1, false)},
        {"1@%bpl", Reg(RBP, 1, false)},
        {"2@%sp", Reg(RSP, 2, false)},
        {"4@%edx", Reg(RDX, 4, false)},
        {"8@%r8", Reg(R8, 8, false)},
        {"4@%r8d", Reg(R8, 4, false)},
        {"-2@%r9w", Reg(R9, 2, true)},
        {"1@%r10b", Reg(R10, 1, false)},
        {"8@%r11", Reg(R11, 8, false)},
        {"8@%r12", Reg(R12, 8, false)},
        {"8@%r13", Reg(R13, 8, false)},
        {"8@%r14", Reg(R14, 8, false)},
        {"4@%r15d", Reg(R15, 4, false)},
        {"8@16(%rbp)", Mem(RBP, 16, 8, false)},
        {"-4@-1204(%rbp)", Mem(RBP, -1204, 4, true)},
        {"8@(%rax)", Mem(RAX, 0, 8, false)},
        {"8@(%rsp)", Mem(RSP, 0, 8, false)},
        {"8@+8(%rsp)", Mem(RSP, 8, 8, false)},
        {"8@-24+8(%rbp)", Mem(RBP, -16, 8, false)},
        {"8@0x10(%rdi)", Mem(RDI, 16, 8, false)},
        {"8@32(%rip)", Mem(RIP, 32, 8, false)},
        {"8@8(%rax,%rbx,4)", Sib(RAX, RBX, 2, 8, 8, false)},
        {"-8@-8(%r12,%r15,8)", Sib(R12, R15, 3, -8, 8, true)},
        {"8@(%rax,%rbx)", Sib(RAX, RBX, 0, 0, 8, false)},
        {"8@(%rax, %rbx, 2)", Sib(RAX, RBX, 1, 0, 8, false)},
        {"8@(,%rbx,8)", Sib(NO_BASE, RBX, 3, 0, 8, false)},
        {"1@4(,%rbx)", Sib(NO_BASE, RBX, 0, 4, 1, false)},
        {"%rdi", Reg(RDI, 8, false)}, // no size: a word
        {"8(%rdi)", Mem(RDI, 8, 8, false)},
        {"  8@%rax  ", Reg(RAX, 8, false)},
    };
    ExpectEach(rows, EM_X86_64);
}

TEST(ArgSpec, Arm64Operands)
{
    const Good rows[]{
        {"8@x0", Reg(0, 8, false)},
        {"4@w3", Reg(3, 4, false)},
        {"-8@x30", Reg(30, 8, true)},
        {"8@sp", Reg(ARM_SP, 8, false)},
        {"8@fp", Reg(29, 8, false)},
        {"8@lr", Reg(30, 8, false)},
        {"8@xzr", Const(0, 8, false)},
        {"4@wzr", Const(0, 4, false)},
        {"8@[sp, 16]", Mem(ARM_SP, 16, 8, false)},
        {"8@[sp,#16]", Mem(ARM_SP, 16, 8, false)},
        {"-4@[x29, -8]", Mem(29, -8, 4, true)},
        {"8@[x1]", Mem(1, 0, 8, false)},
        {"-4@8", Const(8, 4, true)},
        {"-4@-8", Const(-8, 4, true)},
        {"-4@#8", Const(8, 4, true)},
        {"8@[x1, x2]", Sib(1, 2, 0, 0, 8, false)},
        {"8@[x1, x2, lsl 3]", Sib(1, 2, 3, 0, 8, false)},
        {"8@[x1, x2, lsl #2]", Sib(1, 2, 2, 0, 8, false)},
    };
    ExpectEach(rows, EM_AARCH64);
}

TEST(ArgSpec, SeveralInOrder)
{
    const auto specs = ParseArgSpecs("-8@-1064(%rbp) 8@%rax\t8@(%rbx,%rcx,8)  1@$1", EM_X86_64);
    ASSERT_TRUE(specs);
    ASSERT_EQ(specs->size(), 4U);
    EXPECT_EQ(Show((*specs)[2]), Show(Sib(RBX, RCX, 3, 0, 8, false)));

    const auto arm = ParseArgSpecs("8@[sp, 16] -4@[x1, x2, lsl 2] 8@x3", EM_AARCH64);
    ASSERT_TRUE(arm);
    EXPECT_EQ(arm->size(), 3U);

    const auto none = ParseArgSpecs(" ", EM_X86_64);
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->empty());
}

TEST(ArgSpec, TwelveAndNoMore)
{
    std::string text;
    for (int i{0}; i < CT_MAX_ARGS; ++i) text += "8@%rax ";
    ASSERT_TRUE(ParseArgSpecs(text, EM_X86_64));
    const auto specs = ParseArgSpecs(text + "8@%rbx", EM_X86_64);
    ASSERT_FALSE(specs);
    EXPECT_NE(specs.GetError().what.find("8@%rbx"), std::string::npos);
}

struct Bad {
    const char* text;
    Errc code;
};

void ExpectEachFails(std::span<const Bad> rows, std::uint16_t machine)
{
    for (const Bad& row : rows) {
        const auto specs = ParseArgSpecs(row.text, machine);
        ASSERT_FALSE(specs) << row.text;
        EXPECT_EQ(specs.GetError().code, row.code) << row.text << ": " << specs.GetError().what;
        EXPECT_NE(specs.GetError().what.find(row.text), std::string::npos) << specs.GetError().what;
    }
}

TEST(ArgSpec, X86Failures)
{
    const Bad rows[]{
        {"8f@%rax", Errc::Unsupported},
        {"-4f@$1", Errc::Unsupported},
        {"8@%xmm0", Errc::Unsupported},
        {"16@%rax", Errc::Unsupported},
        {"3@%rax", Errc::Unsupported},
        {"8@sym+4(%rip)", Errc::Unsupported},
        {"8@4+sym(%rip)", Errc::Unsupported},
        {"8@table(,%rax,8)", Errc::Unsupported},
        {"8@$sym", Errc::Unsupported},
        {"8@.LC0", Errc::Unsupported},
        {"8@%fs:16", Errc::Unsupported},
        {"8@%fs:(%rax)", Errc::Unsupported},
        {"8@1234", Errc::Unsupported},
        {"8@(%eax)", Errc::Unsupported},
        {"8@%nosuch", Errc::Unsupported},
        {"8@%r7", Errc::Unsupported},
        {"8@%r16", Errc::Unsupported},
        {"8@%r08", Errc::Unsupported},
        {"8@%r8x", Errc::Unsupported},
        {"8@%", Errc::Unsupported},
        {"8@", Errc::Malformed},
        {"@%rax", Errc::Malformed},
        {"-@%rax", Errc::Malformed},
        {"0@%rax", Errc::Malformed},
        {"--4@%rax", Errc::Malformed},
        {"+4@%rax", Errc::Malformed},
        {"999@%rax", Errc::Malformed},
        {"99999999999999999999@%rax", Errc::Malformed},
        {"4x@%rax", Errc::Malformed},
        {"f@%rax", Errc::Malformed},
        {"8@%rax%rbx", Errc::Malformed},
        {"8@%rax)", Errc::Malformed},
        {"8@%rax8@%rbx", Errc::Unsupported},
        {"2@%ah", Errc::Malformed},
        {"8@$", Errc::Malformed},
        {"8@$-", Errc::Malformed},
        {"8@$1+", Errc::Malformed},
        {"8@$010", Errc::Malformed},
        {"8@$0x", Errc::Malformed},
        {"8@$18446744073709551616", Errc::Malformed},
        {"8@$18446744073709551615+1", Errc::Malformed},
        {"8@$-9223372036854775809", Errc::Malformed},
        {"8@9223372036854775808(%rax)", Errc::Malformed},
        {"8@(", Errc::Malformed},
        {"8@()", Errc::Malformed},
        {"8@(,)", Errc::Malformed},
        {"8@(,,8)", Errc::Malformed},
        {"8@(%rax", Errc::Malformed},
        {"8@(%rax,", Errc::Malformed},
        {"8@(%rax,)", Errc::Malformed},
        {"8@(%rax,%rbx,)", Errc::Malformed},
        {"8@(%rax,%rbx,3)", Errc::Malformed},
        {"8@(%rax,%rbx,4", Errc::Malformed},
        {"8@(%rax,%rbx,4,4)", Errc::Malformed},
        {"8@(%rax,%rsp,4)", Errc::Malformed},
        {"8@(%rip,%rax,4)", Errc::Malformed},
        {"8@(rax)", Errc::Malformed},
        {"8@-(%rax)", Errc::Malformed},
        {"8@(%rax)4", Errc::Malformed},
    };
    ExpectEachFails(rows, EM_X86_64);
}

TEST(ArgSpec, Arm64Failures)
{
    const Bad rows[]{
        {"8f@x0", Errc::Unsupported},
        {"8@d0", Errc::Unsupported},
        {"8@x31", Errc::Unsupported},
        {"8@x00", Errc::Unsupported},
        {"8@sym", Errc::Unsupported},
        {"8@[x1, w2, sxtw 3]", Errc::Unsupported},
        {"8@[x1, xzr]", Errc::Unsupported},
        {"8@[x1, x2, lsl 4]", Errc::Malformed},
        {"8@[x1, sp]", Errc::Malformed},
        {"8@[x1], 16", Errc::Malformed},
        {"8@[x1, 16]!", Errc::Malformed},
        {"8@[w1]", Errc::Malformed},
        {"8@[", Errc::Malformed},
        {"8@[]", Errc::Malformed},
        {"8@[x1", Errc::Malformed},
        {"8@[x1,]", Errc::Malformed},
        {"8@[x1, 9223372036854775808]", Errc::Malformed},
        {"8@", Errc::Malformed},
        {"8@%rax", Errc::Malformed},
    };
    // "8@[x1], 16" is two operands to us: the message names the first
    for (const Bad& row : rows) {
        const auto specs = ParseArgSpecs(row.text, EM_AARCH64);
        ASSERT_FALSE(specs) << row.text;
        EXPECT_EQ(specs.GetError().code, row.code) << row.text << ": " << specs.GetError().what;
    }
}

TEST(ArgSpec, OtherMachines)
{
    const auto specs = ParseArgSpecs("8@a0", EM_RISCV);
    ASSERT_FALSE(specs);
    EXPECT_EQ(specs.GetError().code, Errc::Unsupported);
}

TEST(ArgSpec, MessageNamesTheArgumentAndIsSafeToPrint)
{
    using namespace std::string_literals;
    const auto specs = ParseArgSpecs("8@%rax 8@%\033[31m\0x"s, EM_X86_64);
    ASSERT_FALSE(specs);
    EXPECT_NE(specs.GetError().what.find("argument 2"), std::string::npos) << specs.GetError().what;
    for (const char c : specs.GetError().what) EXPECT_TRUE(c >= ' ' && c <= '~');

    const auto endless = ParseArgSpecs("8@(" + std::string(100000, '1'), EM_X86_64);
    ASSERT_FALSE(endless);
    EXPECT_LT(endless.GetError().what.size(), 300U);
}

TEST(ArgSpec, EveryPrefixAndEveryByteIsSurvived)
{
    const std::string text{"-8@-24+8(%rbp) 1@%ah 8@$-9 4@8(%rax,%rbx,4) 8@[x1, x2, lsl 3]"};
    for (const auto machine : {std::uint16_t{EM_X86_64}, std::uint16_t{EM_AARCH64}}) {
        for (std::size_t i{0}; i <= text.size(); ++i) {
            (void)ParseArgSpecs(std::string_view{text}.substr(0, i), machine);
            if (i == text.size()) continue;
            for (int byte{0}; byte < 256; ++byte) {
                std::string changed{text};
                changed[i] = static_cast<char>(byte);
                if (const auto specs = ParseArgSpecs(changed, machine)) {
                    EXPECT_LE(specs->size(), std::size_t{CT_MAX_ARGS});
                }
            }
        }
    }
}

} // namespace
} // namespace coretap::tracer
