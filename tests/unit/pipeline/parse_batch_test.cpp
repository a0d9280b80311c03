#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "pipeline/pipeline.h"
#include "unit/event/event_fixture.h"

namespace coretap::pipeline {
namespace {

Batch EveryRow(const event::Catalogue& catalogue)
{
    Batch batch;
    for (const event::TracepointDef* def : catalogue.Rows()) {
        const auto record = test::EventMaker::MakeRecord(*def);
        batch.bytes.insert(batch.bytes.end(), record.begin(), record.end());
        batch.bytes.resize((batch.bytes.size() + 7) / 8 * 8);
        ++batch.count;
    }
    return batch;
}

TEST(ParseBatch, EveryRecordInOrder)
{
    const event::Catalogue catalogue;
    const Batch batch{EveryRow(catalogue)};
    std::vector<event::Event> events;
    EXPECT_EQ(ParseBatch(batch, catalogue, events), 0U);
    ASSERT_EQ(events.size(), batch.count);
    for (std::size_t i{0}; i < events.size(); ++i) EXPECT_EQ(&events[i].Def(), catalogue.Rows()[i]);
}

RC_GTEST_PROP(ParseBatch, DamageIsCounted, ())
{
    const event::Catalogue catalogue;
    Batch batch{EveryRow(catalogue)};
    const auto at = *rc::gen::inRange<std::size_t>(0, batch.bytes.size());
    batch.bytes[at] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
    batch.bytes.resize(*rc::gen::inRange<std::size_t>(0, batch.bytes.size() + 1));
    batch.bytes.shrink_to_fit();
    std::vector<event::Event> events;
    const std::size_t malformed{ParseBatch(batch, catalogue, events)};
    RC_ASSERT(malformed + events.size() <= batch.bytes.size() / sizeof(ct_record));
}

} // namespace
} // namespace coretap::pipeline
