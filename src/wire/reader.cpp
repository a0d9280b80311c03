#include "wire/reader.h"

namespace coretap::wire {

std::string_view ToString(Problem problem)
{
    switch (problem) {
    case Problem::None: return "none";
    case Problem::EndsEarly: return "ends early";
    case Problem::NonCanonicalSize: return "non-canonical size";
    case Problem::SizeTooLarge: return "size too large";
    case Problem::CountTooLarge: return "count too large for the message";
    case Problem::StringTooLong: return "string too long";
    case Problem::BadWitnessFlag: return "unknown witness flag";
    case Problem::EmptyWitness: return "superfluous witness";
    case Problem::IndexOverflow: return "index overflow";
    case Problem::BadAddressSize: return "bad address size";
    case Problem::ValueOutOfRange: return "value out of range";
    case Problem::TrailingBytes: return "trailing bytes";
    }
    return "";
}

void Reader::Fail(Problem problem, std::size_t at) noexcept
{
    if (!Ok()) return;
    m_problem = problem;
    m_problem_at = at;
    m_at = m_end;
}

void Reader::RunOut(std::uint64_t wanted) noexcept
{
    // A message that cannot hold what is wanted is malformed, however little of it we captured.
    if (wanted > LeftInMessage()) return Fail(Problem::EndsEarly);
    if (!Ok()) return;
    m_cut = true;
    m_at = m_end;
    m_problem_at = Position();
}

std::uint64_t Reader::LongCompactSize(bool any_value) noexcept
{
    const std::size_t start{Position()};
    if (Left() == 0) {
        RunOut(1);
        return 0;
    }
    const auto first = std::to_integer<std::uint8_t>(*m_at);
    const std::size_t width{first < 0xfd ? 0 : std::size_t{2} << (first - 0xfd)};
    if (Left() < 1 + width) {
        RunOut(1 + width);
        return 0;
    }
    const std::uint64_t value{unchecked::CompactSize(m_at)};
    const std::uint64_t least{first < 0xfd ? 0 : first == 0xfd ? 0xfd : std::uint64_t{1} << (width * 4)};
    if (value < least) {
        Fail(Problem::NonCanonicalSize, start);
    } else if (value > MAX_SIZE && !any_value) {
        Fail(Problem::SizeTooLarge, start);
    } else {
        return value;
    }
    return 0;
}

ByteView Reader::VarBytes(std::uint64_t limit) noexcept
{
    const std::size_t start{Position()};
    const std::uint64_t size{CompactSize()};
    if (size <= limit && size <= Left()) [[likely]]
        return Take(size);
    if (size > limit) {
        Fail(Problem::StringTooLong, start);
    } else if (size > LeftInMessage()) {
        Fail(Problem::CountTooLarge, start);
    } else {
        const ByteView captured{m_at, m_end};
        RunOut(size);
        return captured;
    }
    return {};
}

} // namespace coretap::wire
