// Records as an archive or a broken kernel side might give them: parsed, then shown in both formats, payloads decoded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "event/json.h"
#include "pipeline/node_names.h"
#include "pipeline/pipeline.h"
#include "sinks/log/text_format.h"
#include "util/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static const coretap::event::Catalogue CATALOGUE;
    coretap::pipeline::Batch batch;
    const auto bytes = std::as_bytes(std::span{data, size});
    batch.bytes.assign(bytes.begin(), bytes.end());
    std::vector<coretap::event::Event> events;
    if (coretap::pipeline::ParseBatch(batch, CATALOGUE, events) + events.size() > size / sizeof(ct_record)) std::abort();

    coretap::pipeline::NodeNames names;
    using coretap::event::Decode;
    const coretap::sinks::log::TextFormat format{{.show_node = true, .payload_hex = true}};
    const coretap::sinks::log::TextFormat phrases{{.ascii = true, .decode = Decode::Short}};
    const coretap::sinks::log::TextFormat contents{{.decode = Decode::Full}};
    std::string text;
    std::string json;
    std::string decoded_phrases;
    std::string decoded_contents;
    std::string decoded_json;
    for (const coretap::event::Event& event : events) {
        names.Observe(event);
        format.Append(text, event, names.Find(event));
        coretap::event::AppendJson(json, event, names.Find(event));
        json += '\n';
        phrases.Append(decoded_phrases, event, {});
        contents.Append(decoded_contents, event, {});
        coretap::event::AppendJson(decoded_json, event, {}, {.decode = Decode::Full});
        decoded_json += '\n';
    }
    // One line an event, and nothing in it that a terminal would obey.
    for (const std::string* out : {&text, &json, &decoded_phrases, &decoded_contents, &decoded_json}) {
        if (!coretap::util::IsUtf8(*out)) std::abort();
        std::size_t lines{0};
        for (const char c : *out) {
            if (c == '\n') {
                ++lines;
            } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
                std::abort();
            }
        }
        if (lines != events.size()) std::abort();
    }
    return 0;
}
