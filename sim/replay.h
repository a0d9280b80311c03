// `--replay`: a source of firings like a scenario, made of recordings. Their records are merged in order of UTC; those of one file
// keep its order. Memory: a block of each file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "event/catalogue.h"
#include "event/event.h"
#include "sim/refire.h"
#include "util/result.h"

namespace coretap::sim {

struct Context;

/** A sentence for the user, no newline. */
using Tell = std::function<void(const std::string&)>;

class Replay {
    class Stream;
    std::vector<std::unique_ptr<Stream>> m_streams;
    event::Catalogue m_catalogue; //!< with the rows of all sessions so far
    Tell m_tell;
    Refirer m_refirer;
    std::uint64_t m_recorded{0};
    std::uint64_t m_damaged_bytes{0};
    std::uint64_t m_damaged_places{0};
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::size_t> m_nodes; //!< session and process: which it was to come
    util::Result<> m_failure;

    Replay(Probes& probes, Tell tell);
    /** The stream with the earliest event; null if there is none left. */
    Stream* Earliest();
    /** Which of the recorded processes the event is of, by order of appearance. */
    std::size_t ProcessOf(std::uint64_t session, const event::Event& event);
    void Summary() const;

public:
    /**
     * Opens the files; `fd:N` is an open descriptor, which becomes ours, `-` is stdin. Fails as archive::FileReader::Open. `tell` hears
     * of damage as it is met, and in the end of what was not fired. `probes` must outlive it.
     */
    static util::Result<std::unique_ptr<Replay>> Open(const std::vector<std::string>& files, Probes& probes, Tell tell);
    ~Replay();

    /** Fire everything, or until the pacer says stop. One thread. */
    void Run(Context& context);

    /** Why reading ended early, if it did. */
    const util::Result<>& Outcome() const { return m_failure; }
    /** Something in the files could not be read. That the end is missing, as after a crash, is not damage. */
    bool Damaged() const { return m_damaged_places > 0; }
    /** `"recorded":N,"not_replayed":{…},"altered":{…},"damaged_bytes":N` for the final object. */
    std::string JsonFields() const;
};

/** Of a context that has a replay. */
void RunReplay(Context& context);

} // namespace coretap::sim
