#include "event/message_json.h"

#include "event/message_fields.h"
#include "event/message_text.h"
#include "util/text.h"

namespace coretap::event {
namespace {

/** `{"summary":"..."`. The phrase is printable text: quotes and backslashes are all that JSON would take amiss. */
void OpenWithSummary(std::string& out, const wire::Decoded& decoded)
{
    out += R"({"summary":")";
    const std::size_t start{out.size()};
    AppendSummary(out, decoded, /*ascii=*/false);
    for (std::size_t at{start}; at < out.size(); ++at) {
        if (out[at] == '"' || out[at] == '\\') out.insert(at++, 1, '\\');
    }
    out += '"';
}

} // namespace

void AppendSummaryJson(std::string& out, const wire::Decoded& decoded)
{
    OpenWithSummary(out, decoded);
    out += '}';
}

void AppendMessageJson(std::string& out, const wire::Decoded& decoded)
{
    OpenWithSummary(out, decoded);
    FieldWriter<Markup::Json> writer{out, /*first=*/false};
    switch (decoded.status) {
    case wire::Status::Whole: break;
    case wire::Status::Cut:
        writer.Word("status", "cut");
        writer.Number("cut_at", decoded.problem_at);
        break;
    case wire::Status::Malformed:
        writer.Word("status", "malformed");
        writer.Word("problem", wire::ToString(decoded.problem));
        writer.Number("problem_at", decoded.problem_at);
        break;
    }
    if (decoded.trailing != 0) writer.Number("trailing_bytes", decoded.trailing);
    if (decoded.limit_exceeded != 0) writer.Number("limit_exceeded", decoded.limit_exceeded);
    MessageFields<Markup::Json>{writer, decoded}.Write();
    out += '}';
}

} // namespace coretap::event
