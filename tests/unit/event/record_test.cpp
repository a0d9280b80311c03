#include <cstring>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "event/event.h"
#include "event/json.h"
#include "unit/event/event_fixture.h"

namespace coretap::event {
namespace {

using test::Change;
using test::EventMaker;

/** Reads every part of an event, for sanitizers to watch. Returns bytes seen. */
std::size_t Touch(const Event& event)
{
    std::string out;
    AppendJson(out, event, {"node", 1});
    return out.size();
}

TEST(Record, RoundTripOfEveryRow)
{
    EventMaker maker;
    for (const TracepointDef* def : maker.Catalogue().Rows()) {
        const Event event{maker.Make(def->id, {.flags = CT_F_POLICY})};
        EXPECT_EQ(&event.Def(), def);
        EXPECT_EQ(event.UtcNs(), test::UTC_NS);
        EXPECT_EQ(event.MonotonicNs(), test::MONOTONIC_NS);
        EXPECT_EQ(event.Pid(), test::PID);
        EXPECT_EQ(event.Tid(), test::TID);
        EXPECT_EQ(event.Flags(), CT_F_POLICY);
        ASSERT_EQ(event.ArgCount(), def->args.size());
        for (std::size_t i{0}; i < def->args.size(); ++i) {
            const test::Value value{EventMaker::Default(def->args[i])};
            if (const auto* number = std::get_if<std::int64_t>(&value)) {
                EXPECT_EQ(event.Int(i), *number) << def->FullName() << ' ' << def->args[i].name;
            } else {
                EXPECT_EQ(event.Str(i), std::get<std::string>(value)) << def->FullName() << ' ' << def->args[i].name;
            }
        }
    }
}

TEST(Record, Masks)
{
    EventMaker maker;
    const Event event{maker.Make(id::INBOUND_MESSAGE, {.fault_mask = 1u << 5, .cut_mask = 1u << 1, .flags = CT_F_SHED})};
    EXPECT_TRUE(event.AnyFault());
    EXPECT_TRUE(event.Faulted(5));
    EXPECT_FALSE(event.Faulted(1));
    EXPECT_TRUE(event.Cut(1));
    EXPECT_FALSE(event.Cut(5));
}

TEST(Record, EveryPrefixOfEveryRowIsRefused)
{
    const Catalogue catalogue;
    for (const TracepointDef* def : catalogue.Rows()) {
        const std::vector<std::byte> record{EventMaker::MakeRecord(*def)};
        for (std::size_t size{0}; size < record.size(); ++size) {
            const std::vector<std::byte> prefix(record.begin(),
                                                record.begin() + static_cast<std::ptrdiff_t>(size)); // a heap block of its own
            const auto parsed = ParseRecord(prefix, catalogue, 0);
            ASSERT_FALSE(parsed) << def->FullName() << ' ' << size;
            EXPECT_EQ(parsed.GetError().code, util::Errc::Malformed);
        }
        // Its size says less than it holds.
        std::vector<std::byte> short_record{record};
        for (std::uint32_t size{0}; size < record.size(); ++size) {
            std::memcpy(short_record.data() + offsetof(ct_record, size), &size, sizeof(size));
            EXPECT_FALSE(ParseRecord(short_record, catalogue, 0)) << def->FullName() << ' ' << size;
        }
    }
}

TEST(Record, WrongShapesAreRefused)
{
    const Catalogue catalogue;
    const std::vector<std::byte> good{EventMaker::MakeRecord(*catalogue.Find(id::MEMPOOL_REMOVED))};
    const auto with = [&good](std::size_t offset, auto value) {
        std::vector<std::byte> bad{good};
        std::memcpy(bad.data() + offset, &value, sizeof(value));
        return bad;
    };
    EXPECT_TRUE(ParseRecord(good, catalogue, 0));
    EXPECT_FALSE(ParseRecord(with(offsetof(ct_record, tracepoint), std::uint16_t{55}), catalogue, 0));
    EXPECT_FALSE(ParseRecord(with(offsetof(ct_record, tracepoint), std::uint16_t{65535}), catalogue, 0));
    EXPECT_FALSE(ParseRecord(with(offsetof(ct_record, nargs), std::uint8_t{4}), catalogue, 0));
    EXPECT_FALSE(ParseRecord(with(offsetof(ct_record, nargs), std::uint8_t{255}), catalogue, 0));
    EXPECT_FALSE(ParseRecord(with(sizeof(ct_record), std::uint64_t{31}), catalogue, 0));    // a hash of 31 bytes
    EXPECT_FALSE(ParseRecord(with(sizeof(ct_record) + 8, std::uint64_t{8}), catalogue, 0)); // one byte more than there is
    EXPECT_FALSE(ParseRecord(with(sizeof(ct_record) + 8, ~std::uint64_t{0}), catalogue, 0));
    EXPECT_TRUE(ParseRecord(with(sizeof(ct_record) + 8, std::uint64_t{6}), catalogue, 0)); // what is over is nobody's
}

RC_GTEST_PROP(Record, FlippedBytesNeverReachOutside, ())
{
    const Catalogue catalogue;
    const auto rows = catalogue.Rows();
    std::vector<std::byte> record{EventMaker::MakeRecord(*rows[*rc::gen::inRange<std::size_t>(0, rows.size())])};
    const auto flips = *rc::gen::inRange(1, 8);
    for (int i{0}; i < flips; ++i) {
        // Mostly header and slots: there is what is checked.
        const auto at = *rc::gen::inRange<std::size_t>(0, std::min<std::size_t>(record.size(), 96));
        record[at] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
    }
    record.shrink_to_fit();
    if (const auto parsed = ParseRecord(record, catalogue, *rc::gen::arbitrary<std::int32_t>())) RC_ASSERT(Touch(*parsed) > 0);
}

RC_GTEST_PROP(Record, AnyBytes, (const std::vector<std::uint8_t>& bytes))
{
    const Catalogue catalogue;
    if (const auto parsed = ParseRecord(std::as_bytes(std::span{bytes}), catalogue, 0)) RC_ASSERT(Touch(*parsed) > 0);
}

} // namespace
} // namespace coretap::event
