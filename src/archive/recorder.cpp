#include "archive/recorder.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "archive/node_memory.h"
#include "archive/part_writer.h"
#include "archive/session_json.h"
#include "event/event.h"

namespace coretap::archive {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t SMALLEST_BLOCK{4U << 10};
constexpr std::uint64_t LARGEST_BLOCK{32U << 20}; // and a record of 4 MB on top stays below MAX_BLOCK_BYTES
constexpr std::size_t SPARE_BUFFERS{4};

struct Block {
    std::vector<std::byte> bytes;
    BlockHeader header;
    Clock::time_point opened;
};

void Observe(BlockHeader& header, const ct_record& head)
{
    header.first_ns = header.records == 0 ? head.ts_ns : std::min<std::uint64_t>(header.first_ns, head.ts_ns);
    header.last_ns = header.records == 0 ? head.ts_ns : std::max<std::uint64_t>(header.last_ns, head.ts_ns);
    Add(header.tracepoints, head.tracepoint);
    ++header.records;
}

RecorderOptions Sensible(RecorderOptions options)
{
    options.queue_bytes = std::max<std::uint64_t>(options.queue_bytes, 4 * SMALLEST_BLOCK);
    options.block_bytes = std::clamp<std::uint64_t>(options.block_bytes, SMALLEST_BLOCK, std::min(LARGEST_BLOCK, options.queue_bytes / 4));
    return options;
}

} // namespace

class Recorder::Impl {
    const event::Catalogue& m_catalogue;
    const RecorderOptions m_options;
    const std::unique_ptr<PartFiles> m_files;

    // the producer's and the thread's, under the mutex
    mutable std::mutex m_mutex;
    std::condition_variable m_work, m_done;
    Block m_current;
    std::deque<Block> m_queue;
    std::vector<std::vector<std::byte>> m_spare;
    std::uint64_t m_waiting_bytes{0}; //!< in m_current, in the queue, and being written
    bool m_writing{false};
    bool m_stop{false};
    std::optional<util::Error> m_failure;
    RecorderTotals m_totals;

    // the producer's alone
    std::thread m_thread;
    std::optional<std::uint32_t> m_origin;
    std::map<std::uint16_t, std::uint64_t> m_untold; //!< not recorded, and not yet said so
    std::uint64_t m_untold_at_ns{0};
    std::int64_t m_untold_offset_ns{0};
    std::vector<std::byte> m_scratch;
    bool m_finished{false};

    // the thread's, and the caller's before and after it
    SessionInfo m_info;
    Compressor m_compressor;
    std::optional<PartWriter> m_part;
    std::uint64_t m_closed_bytes{0}; //!< of earlier parts
    Clock::time_point m_part_begun;
    bool m_part_has_records{false};
    Counter m_counter;
    NodeMemory m_nodes;
    std::atomic<bool> m_ending{false};

public:
    Impl(SessionInfo info, const event::Catalogue& catalogue, std::unique_ptr<PartFiles> files, RecorderOptions options)
        : m_catalogue{catalogue},
          m_options{Sensible(options)},
          m_files{std::move(files)},
          m_info{std::move(info)},
          m_compressor{m_options.level}
    {
        // What a record may be of must be described, whatever the caller thought would come.
        for (const event::TracepointDef* def : m_catalogue.Rows()) {
            const bool own{def->origin == event::Origin::Coretap || def->id >= CT_USER_BASE};
            const auto described = [def](const RecordedTracepoint& row) { return row.def.id == def->id; };
            if (own && std::ranges::none_of(m_info.tracepoints, described))
                m_info.tracepoints.push_back(
                    {*def, static_cast<std::uint8_t>(def->origin == event::Origin::Coretap ? CT_MODE_DELIVER : CT_MODE_OFF)});
        }
        m_info.abi_version = CT_ABI_VERSION;
    }

    ~Impl()
    {
        m_ending = true;
        StopThread();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    util::Result<> BeginPart(std::uint32_t part, std::uint32_t first_number, std::int64_t utc_offset_ns)
    {
        auto file{m_files->Open(part)};
        if (!file) return file.GetError();
        m_info.part = part;
        m_info.utc_offset_ns = utc_offset_ns;
        m_part.emplace(std::move(*file), m_files->Name(part), m_compressor, SessionTag(m_info.session_id), part, first_number, [this] {
            return m_ending.load(std::memory_order_relaxed) ||
                   (m_options.stop != nullptr && m_options.stop->load(std::memory_order_relaxed));
        });
        m_part_begun = Clock::now();
        m_part_has_records = false;
        m_counter = Counter{};
        // twice, so that damage of one costs nothing
        const std::string text{ToJson(m_info)};
        for (int i{0}; i < 2; ++i) {
            if (auto written{m_part->Write({.type = BlockType::Session}, std::as_bytes(std::span{text}))}; !written) return written;
        }
        std::vector<std::byte> introductions;
        if (m_nodes.Introduce(introductions, utc_offset_ns) != 0) {
            BlockHeader header{.type = BlockType::Nodes, .utc_offset_ns = utc_offset_ns};
            for (std::span<const std::byte> rest{introductions}; !rest.empty();) {
                ct_record head;
                std::memcpy(&head, rest.data(), sizeof(head));
                Observe(header, head);
                if (const auto node{event::ParseRecord(rest, m_catalogue, utc_offset_ns)}) m_counter.AddNode(*node);
                rest = rest.subspan((std::size_t{head.size} + 7) / 8 * 8);
            }
            if (auto written{m_part->Write(header, introductions)}; !written) return written;
        }
        const std::lock_guard lock{m_mutex};
        m_totals.parts = part;
        m_totals.trouble = m_files->Trouble();
        m_totals.file_bytes = m_closed_bytes + m_part->Size();
        return {};
    }

    util::Result<> Write(std::span<const event::Event> batch)
    {
        std::unique_lock lock{m_mutex};
        m_totals.offered += batch.size();
        if (m_failure) return *m_failure;
        if (m_finished) return util::Error{util::Errc::Usage, "the recording is finished"};
        if (!m_thread.joinable()) StartThread();
        bool full{false};
        for (const event::Event& event : batch) {
            if (m_origin.value_or(event.Origin()) != event.Origin()) {
                return util::Error{util::Errc::Usage, "a recording holds one session: record those of several recordings one by one"};
            }
            m_origin = event.Origin();
            const std::span<const std::byte> record{event.Record()};
            const bool own{event.Def().origin == event::Origin::Coretap};
            // coretap's own are few and say who is who: they always find room
            if (!own && (full || IsFull(record.size()))) {
                if (m_options.wait_when_full) {
                    Seal();
                    m_done.wait(lock, [&] { return m_failure || !IsFull(record.size()); });
                    if (m_failure) return *m_failure;
                } else {
                    full = true;
                    ++m_untold[event.Id()];
                    ++m_totals.not_recorded[event.Id()];
                    m_untold_at_ns = event.MonotonicNs();
                    m_untold_offset_ns = event.UtcOffsetNs();
                    continue;
                }
            }
            if (!m_untold.empty()) TellLosses();
            Append(record, event.UtcOffsetNs());
        }
        return {};
    }

    util::Result<> Flush()
    {
        std::unique_lock lock{m_mutex};
        if (!m_untold.empty() && !m_failure) TellLosses();
        Seal();
        m_done.wait(lock, [this] { return m_failure || (m_queue.empty() && !m_writing); });
        if (m_failure) return *m_failure;
        return {};
    }

    util::Result<> Finish(const pipeline::Ledger& ledger)
    {
        m_ending = true;
        auto flushed{Flush()};
        StopThread();
        if (m_finished || !flushed) return flushed;
        m_finished = true;
        auto closed{m_part->Close({.last = true, .totals = m_counter.Sum(), .ledger = ledger})};
        const std::lock_guard lock{m_mutex};
        m_totals.file_bytes = m_closed_bytes + m_part->Size();
        if (!closed) m_failure = closed.GetError();
        return closed;
    }

    util::Result<> Outcome() const
    {
        const std::lock_guard lock{m_mutex};
        if (m_failure) return *m_failure;
        return {};
    }

    RecorderTotals Totals() const
    {
        const std::lock_guard lock{m_mutex};
        return m_totals;
    }

private:
    bool IsFull(std::size_t more) const noexcept { return m_waiting_bytes != 0 && m_waiting_bytes + more > m_options.queue_bytes; }

    void Append(std::span<const std::byte> record, std::int64_t utc_offset_ns)
    {
        if (m_current.header.records != 0 && m_current.header.utc_offset_ns != utc_offset_ns) Seal();
        if (m_current.header.records == 0) {
            if (m_current.bytes.capacity() == 0) {
                if (!m_spare.empty()) {
                    m_current.bytes = std::move(m_spare.back());
                    m_spare.pop_back();
                }
                m_current.bytes.reserve(m_options.block_bytes + 4096);
            }
            m_current.header.utc_offset_ns = utc_offset_ns;
            m_current.opened = Clock::now();
            m_work.notify_one(); // there is an age to look after now
        }
        ct_record head;
        std::memcpy(&head, record.data(), sizeof(head));
        Observe(m_current.header, head);
        m_current.bytes.insert(m_current.bytes.end(), record.begin(), record.end());
        const std::size_t padding{-record.size() & 7};
        m_current.bytes.insert(m_current.bytes.end(), padding, std::byte{0});
        m_waiting_bytes += record.size() + padding;
        if (m_current.bytes.size() >= m_options.block_bytes) Seal();
    }

    /** The block is complete as it is. */
    void Seal()
    {
        if (m_current.header.records == 0) return;
        m_queue.push_back(std::move(m_current));
        m_current = Block{};
        m_work.notify_one();
    }

    void TellLosses()
    {
        const auto untold{std::move(m_untold)};
        m_untold.clear();
        for (const auto& [tracepoint, count] : untold) {
            m_scratch.clear();
            const auto record = event::RecordBuilder{m_scratch, event::id::CORETAP_LOST, 4, m_untold_at_ns, 0, 0}
                                    .Str(m_catalogue.Find(tracepoint)->FullName())
                                    .Str(pipeline::ToString(pipeline::LossReason::RecorderSlow))
                                    .Uint(count)
                                    .Uint(m_totals.not_recorded[tracepoint])
                                    .Finish();
            Append(record, m_untold_offset_ns);
        }
    }

    void StartThread()
    {
        // signals are for the threads that wait for them
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        m_thread = std::thread{[this] { WriteBlocks(); }};
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void StopThread()
    {
        if (!m_thread.joinable()) return;
        {
            const std::lock_guard lock{m_mutex};
            Seal();
            m_stop = true;
            m_work.notify_one();
        }
        m_thread.join();
    }

    void WriteBlocks()
    {
        std::unique_lock lock{m_mutex};
        for (;;) {
            if (m_queue.empty()) {
                if (m_stop) return;
                if (m_current.header.records == 0) {
                    m_work.wait(lock);
                } else if (m_work.wait_until(lock, m_current.opened + m_options.block_age) == std::cv_status::timeout) {
                    if (m_queue.empty() && Clock::now() >= m_current.opened + m_options.block_age) Seal();
                }
                continue;
            }
            Block block{std::move(m_queue.front())};
            m_queue.pop_front();
            m_writing = true;
            const bool failed{m_failure.has_value()};
            lock.unlock();
            util::Result<> written{};
            if (!failed) written = WriteBlock(block);
            lock.lock();
            m_writing = false;
            m_waiting_bytes -= block.bytes.size();
            if (!written) {
                m_failure = written.GetError();
            } else if (!failed) {
                m_totals.events += block.header.records;
                m_totals.record_bytes += block.bytes.size();
                m_totals.file_bytes = m_closed_bytes + m_part->Size();
            }
            block.bytes.clear();
            if (m_spare.size() < SPARE_BUFFERS && block.bytes.capacity() <= 2 * m_options.block_bytes + 4096)
                m_spare.push_back(std::move(block.bytes));
            m_done.notify_all();
        }
    }

    util::Result<> WriteBlock(const Block& block)
    {
        const bool large{m_options.rotate_bytes != 0 && m_part->Size() >= m_options.rotate_bytes};
        const bool old{m_options.rotate_age.count() != 0 && Clock::now() - m_part_begun >= m_options.rotate_age};
        if (m_part_has_records && (large || old)) {
            if (auto closed{m_part->Close({.last = false, .totals = m_counter.Sum()})}; !closed) return closed;
            m_closed_bytes += m_part->Size();
            if (auto begun{BeginPart(m_info.part + 1, m_part->NextNumber(), block.header.utc_offset_ns)}; !begun) return begun;
        }
        if (auto written{m_part->Write(block.header, block.bytes)}; !written) return written;
        m_part_has_records = true;
        // counted here and not when they came: only now it is known which part they are in
        std::span<const std::byte> rest{block.bytes};
        while (!rest.empty()) {
            const auto event{event::ParseRecord(rest, m_catalogue, block.header.utc_offset_ns)};
            if (!event) return event.GetError(); // cannot be: it was an event
            m_counter.Add(*event);
            if (event->Def().origin == event::Origin::Coretap) m_nodes.Observe(event->Record(), block.header.utc_offset_ns);
            rest = rest.subspan((event->Record().size() + 7) / 8 * 8);
        }
        return {};
    }
};

Recorder::Recorder(std::unique_ptr<Impl> impl) : m_impl{std::move(impl)} {}
Recorder::~Recorder() = default;

util::Result<std::unique_ptr<Recorder>> Recorder::Start(SessionInfo info, const event::Catalogue& catalogue,
                                                        std::unique_ptr<PartFiles> files, RecorderOptions options)
{
    const std::int64_t utc_offset_ns{info.utc_offset_ns};
    auto impl{std::make_unique<Impl>(std::move(info), catalogue, std::move(files), options)};
    if (auto begun{impl->BeginPart(1, 0, utc_offset_ns)}; !begun) return begun.GetError();
    return std::unique_ptr<Recorder>{new Recorder{std::move(impl)}};
}

util::Result<> Recorder::Write(std::span<const event::Event> batch) { return m_impl->Write(batch); }
util::Result<> Recorder::Flush() { return m_impl->Flush(); }
util::Result<> Recorder::Finish(const pipeline::Ledger& ledger) { return m_impl->Finish(ledger); }
RecorderTotals Recorder::Totals() const { return m_impl->Totals(); }
util::Result<> Recorder::Outcome() const { return m_impl->Outcome(); }

} // namespace coretap::archive
