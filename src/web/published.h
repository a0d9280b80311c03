// What other threads hand to the server's.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "state/snapshot.h"
#include "web/api_json.h"
#include "web/streams.h"

namespace coretap::web {

/** The latest of everything. Any thread; what is got is immutable. */
class Published {
    mutable std::mutex m_mutex;
    std::shared_ptr<const state::Snapshot> m_snapshot;
    StreamPositions m_positions;
    std::shared_ptr<const Sections> m_sections{std::make_shared<const Sections>()};
    std::shared_ptr<const std::string> m_config;

public:
    /** `positions`: how far the streams were when it was taken. */
    void SetSnapshot(std::shared_ptr<const state::Snapshot> snapshot, StreamPositions positions)
    {
        const std::lock_guard lock{m_mutex};
        m_snapshot.swap(snapshot); // the old one ends with the parameter, outside the lock
        m_positions.swap(positions);
    }
    void SetSection(const std::string& name, std::string json)
    {
        const std::lock_guard lock{m_mutex};
        auto sections = std::make_shared<Sections>(*m_sections);
        (*sections)[name] = std::move(json);
        m_sections = std::move(sections);
    }
    void SetConfig(std::string json)
    {
        auto config = std::make_shared<const std::string>(std::move(json));
        const std::lock_guard lock{m_mutex};
        m_config.swap(config);
    }
    std::shared_ptr<const state::Snapshot> Snapshot() const
    {
        const std::lock_guard lock{m_mutex};
        return m_snapshot;
    }
    std::pair<std::shared_ptr<const state::Snapshot>, StreamPositions> SnapshotAndPositions() const
    {
        const std::lock_guard lock{m_mutex};
        return {m_snapshot, m_positions};
    }
    std::shared_ptr<const Sections> AllSections() const
    {
        const std::lock_guard lock{m_mutex};
        return m_sections;
    }
    /** Null if none was set. */
    std::shared_ptr<const std::string> Config() const
    {
        const std::lock_guard lock{m_mutex};
        return m_config;
    }
};

} // namespace coretap::web
