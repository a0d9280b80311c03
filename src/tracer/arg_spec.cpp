#include "tracer/arg_spec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include <elf.h>

namespace coretap::tracer {
namespace {

using util::Errc;
using util::Error;
using util::Result;

__extension__ using WideInt = __int128; // a sum of 64-bit terms cannot overflow it

constexpr std::size_t MAX_QUOTED{64}; //!< of an operand, in a message
constexpr std::uint8_t X86_RIP{16};   //!< words of struct pt_regs, see abi/coretap_abi.h
constexpr std::uint8_t X86_RSP{19};
constexpr std::uint8_t ARM64_FP{29};
constexpr std::uint8_t ARM64_LR{30};
constexpr std::uint8_t ARM64_SP{31};
constexpr unsigned ARM64_LAST_REGISTER{30};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
/** First character of an assembler symbol. */
bool StartsSymbol(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '"'; }

/** Reads an operand from left to right. Blanks between tokens do not count. */
class Cursor {
    std::string_view m_rest;

    void SkipSpace()
    {
        while (!m_rest.empty() && IsSpace(m_rest.front())) m_rest.remove_prefix(1);
    }

public:
    explicit Cursor(std::string_view text) : m_rest{text} { SkipSpace(); }

    bool AtEnd() const { return m_rest.empty(); }
    char Peek() const { return m_rest.empty() ? '\0' : m_rest.front(); }
    bool Take(char c)
    {
        if (m_rest.empty() || m_rest.front() != c) return false;
        m_rest.remove_prefix(1);
        SkipSpace();
        return true;
    }
    /** Lower-case letters and digits: the name of a register. */
    std::string_view TakeName()
    {
        const auto end = std::find_if_not(m_rest.begin(), m_rest.end(), [](char c) { return IsLower(c) || IsDigit(c); });
        const std::string_view name{m_rest.substr(0, static_cast<std::size_t>(end - m_rest.begin()))};
        m_rest.remove_prefix(name.size());
        SkipSpace();
        return name;
    }
    /** A number without a sign, decimal or 0x. No octal: compilers do not write it, and reading it as decimal would be wrong. */
    std::optional<std::uint64_t> TakeNumber()
    {
        int base{10};
        if (m_rest.starts_with("0x") || m_rest.starts_with("0X")) {
            base = 16;
            m_rest.remove_prefix(2);
        } else if (m_rest.size() > 1 && m_rest[0] == '0' && IsDigit(m_rest[1])) {
            return std::nullopt;
        }
        std::uint64_t value{0};
        const auto [end, ec] = std::from_chars(m_rest.data(), m_rest.data() + m_rest.size(), value, base);
        if (ec != std::errc{}) return std::nullopt;
        m_rest.remove_prefix(static_cast<std::size_t>(end - m_rest.data()));
        SkipSpace();
        return value;
    }
    /** A sum, as GCC writes displacements: `16`, `-8`, `-24+8`. */
    std::optional<WideInt> TakeSum()
    {
        WideInt sum{0};
        bool negative{Take('-')};
        if (!negative) Take('+');
        while (true) {
            const auto number = TakeNumber();
            if (!number) return std::nullopt;
            sum += negative ? -WideInt{*number} : WideInt{*number};
            negative = Take('-');
            if (!negative && !Take('+')) return sum;
        }
    }
};

/** A register by name: which word of struct pt_regs, how wide, and where in it the value starts. */
struct Register {
    std::uint8_t word;
    std::uint8_t size;
    std::uint8_t shift{0};
};

std::optional<Register> FindX86(std::string_view name)
{
    struct Row {
        std::uint8_t word;
        std::array<std::string_view, 5> names; // 8, 4, 2, 1 bytes, and the second byte
    };
    static constexpr std::array ROWS{
        Row{4, {"rbp", "ebp", "bp", "bpl", ""}},   Row{5, {"rbx", "ebx", "bx", "bl", "bh"}},  Row{10, {"rax", "eax", "ax", "al", "ah"}},
        Row{11, {"rcx", "ecx", "cx", "cl", "ch"}}, Row{12, {"rdx", "edx", "dx", "dl", "dh"}}, Row{13, {"rsi", "esi", "si", "sil", ""}},
        Row{14, {"rdi", "edi", "di", "dil", ""}},  Row{X86_RIP, {"rip", "", "", "", ""}},     Row{X86_RSP, {"rsp", "esp", "sp", "spl", ""}},
    };
    static constexpr std::array<std::uint8_t, 5> SIZES{8, 4, 2, 1, 1};
    static constexpr std::array<std::uint8_t, 8> FROM_R8{9, 8, 7, 6, 3, 2, 1, 0}; // pt_regs keeps r12..r15 apart

    if (name.empty()) return std::nullopt;
    for (const Row& row : ROWS) {
        for (std::size_t i{0}; i < row.names.size(); ++i) {
            if (row.names[i] == name) return Register{row.word, SIZES[i], static_cast<std::uint8_t>(i == 4 ? 8 : 0)};
        }
    }
    if (name.front() != 'r') return std::nullopt;
    unsigned number{0};
    const auto [end, ec] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
    if (ec != std::errc{} || number < 8 || number > 15 || name[1] == '0') return std::nullopt;
    const std::string_view suffix{name.substr(static_cast<std::size_t>(end - name.data()))};
    static constexpr std::array<std::string_view, 4> SUFFIXES{"", "d", "w", "b"};
    for (std::size_t i{0}; i < SUFFIXES.size(); ++i) {
        if (suffix == SUFFIXES[i]) return Register{FROM_R8[number - 8], SIZES[i]};
    }
    return std::nullopt;
}

/** The zero register is not one of these. */
std::optional<Register> FindArm64(std::string_view name)
{
    if (name == "sp") return Register{ARM64_SP, 8};
    if (name == "wsp") return Register{ARM64_SP, 4};
    if (name == "fp") return Register{ARM64_FP, 8};
    if (name == "lr") return Register{ARM64_LR, 8};
    if (name.size() < 2 || name.size() > 3 || (name.front() != 'x' && name.front() != 'w')) return std::nullopt;
    unsigned number{0};
    const auto [end, ec] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
    if (ec != std::errc{} || end != name.data() + name.size() || number > ARM64_LAST_REGISTER || (name.size() == 3 && name[1] == '0'))
        return std::nullopt;
    return Register{static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(name.front() == 'x' ? 8 : 4)};
}

/** Parses one operand; the text in its errors is only the reason. */
class Operand {
    Cursor m_in;
    ct_arg_spec m_spec{};

    static Error Malformed(std::string why) { return {Errc::Malformed, std::move(why)}; }
    static Error Unsupported(std::string why) { return {Errc::Unsupported, std::move(why)}; }

    Result<ct_arg_spec> Finish() const
    {
        if (!m_in.AtEnd()) return Malformed("something follows the operand");
        return m_spec;
    }

    Result<ct_arg_spec> Constant()
    {
        if (StartsSymbol(m_in.Peek())) return Unsupported("a symbol's address is not known to us");
        const auto value = m_in.TakeSum();
        if (!value) return Malformed("not a number");
        if (*value < std::numeric_limits<std::int64_t>::min() || *value > std::numeric_limits<std::uint64_t>::max())
            return Malformed("the constant does not fit 64 bits");
        SetConstant(static_cast<std::uint64_t>(*value));
        return Finish();
    }

    void SetConstant(std::uint64_t value)
    {
        const unsigned shift{64U - 8U * m_spec.size};
        value <<= shift;
        m_spec.where = CT_ARG_CONST;
        m_spec.off = m_spec.is_signed != 0 ? static_cast<std::int64_t>(value) >> shift : static_cast<std::int64_t>(value >> shift);
    }

    Result<ct_arg_spec> InRegister(Register reg)
    {
        if (reg.shift != 0 && m_spec.size != 1) return Malformed("the register holds one byte");
        m_spec.where = CT_ARG_REG;
        m_spec.reg = reg.word;
        m_spec.reg_shift = reg.shift;
        return Finish();
    }

    /** Sets the displacement; false if it does not fit. */
    bool SetOffset(WideInt off)
    {
        if (off < std::numeric_limits<std::int64_t>::min() || off > std::numeric_limits<std::int64_t>::max()) return false;
        m_spec.off = static_cast<std::int64_t>(off);
        return true;
    }

    /** `(base)`, `(base,index)`, `(base,index,scale)`, `(,index,scale)`, after the displacement. */
    Result<ct_arg_spec> X86Memory()
    {
        std::optional<Register> base;
        std::optional<Register> index;
        unsigned scale{1};
        const auto take_register = [this](std::optional<Register>& out) {
            if (!m_in.Take('%')) return false;
            out = FindX86(m_in.TakeName());
            return out.has_value();
        };
        if (!m_in.Take('(')) return m_in.AtEnd() ? Unsupported("an absolute address cannot be read") : Malformed("not a memory operand");
        if (m_in.Peek() != ',' && m_in.Peek() != ')' && !take_register(base)) return Malformed("no such base register");
        if (m_in.Take(',')) {
            if (!take_register(index)) return Malformed("no such index register");
            if (m_in.Take(',')) {
                const auto number = m_in.TakeNumber();
                if (!number || (*number != 1 && *number != 2 && *number != 4 && *number != 8))
                    return Malformed("the scale is 1, 2, 4 or 8");
                scale = static_cast<unsigned>(*number);
            }
        }
        if (!m_in.Take(')')) return Malformed("no closing parenthesis");
        if (!base && !index) return Malformed("no base register");
        if ((base && base->size != 8) || (index && index->size != 8)) return Unsupported("addresses of less than 64 bits cannot be read");
        if (index && (index->word == X86_RIP || index->word == X86_RSP)) return Malformed("that register cannot be an index");
        if (base && base->word == X86_RIP && index) return Malformed("%rip takes no index");
        SetAddress(base, index, static_cast<std::uint8_t>(scale == 8 ? 3 : scale / 2));
        return Finish();
    }

    void SetAddress(std::optional<Register> base, std::optional<Register> index, std::uint8_t shift)
    {
        m_spec.where = index ? CT_ARG_MEM_SIB : CT_ARG_MEM;
        m_spec.reg = base ? base->word : NO_BASE;
        if (!index) return;
        m_spec.index = index->word;
        m_spec.scale = shift;
    }

    Result<ct_arg_spec> Arm64Memory()
    {
        const auto base = FindArm64(m_in.TakeName());
        if (!base || base->size != 8) return Malformed("no such base register");
        std::optional<Register> index;
        std::uint8_t shift{0};
        if (m_in.Take(',')) {
            if (IsLower(m_in.Peek())) {
                index = FindArm64(m_in.TakeName());
                if (!index) return Unsupported("that index cannot be read");
                if (index->size != 8) return Unsupported("an extended index cannot be read");
                if (index->word == ARM64_SP) return Malformed("that register cannot be an index");
                if (m_in.Take(',')) {
                    if (m_in.TakeName() != "lsl") return Unsupported("that index cannot be read");
                    m_in.Take('#');
                    const auto number = m_in.TakeNumber();
                    if (!number || *number > 3) return Malformed("the shift is 0 to 3");
                    shift = static_cast<std::uint8_t>(*number);
                }
            } else {
                m_in.Take('#');
                const auto off = m_in.TakeSum();
                if (!off || !SetOffset(*off)) return Malformed("not an offset");
            }
        }
        if (!m_in.Take(']')) return Malformed("no closing bracket");
        SetAddress(base, index, shift);
        return Finish();
    }

public:
    Operand(std::string_view where, std::uint8_t size, bool is_signed) : m_in{where}
    {
        m_spec.size = size;
        m_spec.is_signed = is_signed ? 1 : 0;
    }

    Result<ct_arg_spec> X86()
    {
        if (m_in.Take('$')) return Constant();
        if (m_in.Take('%')) {
            const auto reg = FindX86(m_in.TakeName());
            if (m_in.Peek() == ':') return Unsupported("memory relative to a segment register cannot be read");
            if (!reg) return Unsupported("that register cannot be read");
            return InRegister(*reg);
        }
        if (StartsSymbol(m_in.Peek())) return Unsupported("a symbol's address is not known to us");
        if (m_in.AtEnd()) return Malformed("the operand is empty");
        if (m_in.Peek() != '(') {
            const auto off = m_in.TakeSum();
            if (!off)
                return StartsSymbol(m_in.Peek()) ? Unsupported("a symbol's address is not known to us") : Malformed("not a displacement");
            if (!SetOffset(*off)) return Malformed("the displacement does not fit 64 bits");
        }
        return X86Memory();
    }

    Result<ct_arg_spec> Arm64()
    {
        if (m_in.Take('[')) return Arm64Memory();
        if (m_in.AtEnd()) return Malformed("the operand is empty");
        if (m_in.Take('#') || !StartsSymbol(m_in.Peek())) return Constant();
        const std::string_view name{m_in.TakeName()};
        if (name == "xzr" || name == "wzr") {
            SetConstant(0);
            return Finish();
        }
        const auto reg = FindArm64(name);
        if (!reg) return Unsupported("neither a general register nor a number");
        return InRegister(*reg);
    }
};

struct Prefix {
    std::uint8_t size{8};
    bool is_signed{false};
    bool is_float{false};
};

/** What stands before the `@`. */
std::optional<Prefix> ParsePrefix(std::string_view text)
{
    Prefix prefix;
    if (text.starts_with('-')) {
        prefix.is_signed = true;
        text.remove_prefix(1);
    }
    if (text.ends_with('f')) {
        prefix.is_float = true;
        text.remove_suffix(1);
    }
    if (text.empty() || !IsDigit(text.front())) return std::nullopt;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), prefix.size);
    if (ec != std::errc{} || end != text.data() + text.size() || prefix.size == 0) return std::nullopt;
    return prefix;
}

Result<ct_arg_spec> ParseOne(std::string_view text, std::uint16_t elf_machine)
{
    Prefix prefix;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        const auto parsed = ParsePrefix(text.substr(0, at));
        if (!parsed) return Error{Errc::Malformed, "not a size before the @"};
        prefix = *parsed;
        text.remove_prefix(at + 1);
    }
    if (prefix.is_float) return Error{Errc::Unsupported, "floating-point arguments cannot be captured"};
    if (prefix.size != 1 && prefix.size != 2 && prefix.size != 4 && prefix.size != 8)
        return Error{Errc::Unsupported, "only arguments of 1, 2, 4 or 8 bytes can be captured"};

    Operand operand{text, prefix.size, prefix.is_signed};
    return elf_machine == EM_X86_64 ? operand.X86() : operand.Arm64();
}

std::string Quoted(std::string_view text)
{
    std::string quoted{"\""};
    for (const char c : text.substr(0, MAX_QUOTED)) quoted += (c >= ' ' && c <= '~') ? c : '?';
    quoted += text.size() > MAX_QUOTED ? "...\"" : "\"";
    return quoted;
}

} // namespace

std::string_view NextOperand(std::string_view& rest)
{
    while (!rest.empty() && IsSpace(rest.front())) rest.remove_prefix(1);
    std::size_t depth{0};
    std::size_t end{0};
    for (; end < rest.size(); ++end) {
        const char c{rest[end]};
        if (c == '(' || c == '[') ++depth;
        if ((c == ')' || c == ']') && depth > 0) --depth;
        if (IsSpace(c) && depth == 0) break;
    }
    const std::string_view operand{rest.substr(0, end)};
    rest.remove_prefix(end);
    return operand;
}

Result<std::vector<ct_arg_spec>> ParseArgSpecs(std::string_view text, std::uint16_t elf_machine)
{
    if (elf_machine != EM_X86_64 && elf_machine != EM_AARCH64) {
        return Error{Errc::Unsupported,
                     "arguments of ELF machine " + std::to_string(elf_machine) + " cannot be read: only x86-64 and arm64"};
    }
    std::vector<ct_arg_spec> specs;
    for (std::string_view rest{text};;) {
        const std::string_view operand{NextOperand(rest)};
        if (operand.empty()) return specs;
        if (specs.size() == CT_MAX_ARGS) {
            return Error{Errc::Unsupported, "more than " + std::to_string(CT_MAX_ARGS) + " arguments, from " + Quoted(operand) + " on"};
        }
        const auto spec = ParseOne(operand, elf_machine);
        if (!spec) {
            return Error{spec.GetError().code,
                         "argument " + std::to_string(specs.size() + 1) + ", " + Quoted(operand) + ": " + spec.GetError().what};
        }
        specs.push_back(*spec);
    }
}

} // namespace coretap::tracer
