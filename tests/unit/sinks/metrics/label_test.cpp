// Whatever strangers call themselves, the text stays well-formed, and no series is there twice.
#include <map>
#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sinks/metrics/samples.h"
#include "unit/sinks/metrics/metrics_fixture.h"
#include "util/text.h"

namespace coretap::sinks::metrics {
namespace {

std::string Escaped(std::string_view value)
{
    std::string out;
    AppendLabelValue(out, value);
    return out;
}

TEST(Label, IsEscaped)
{
    EXPECT_EQ(Escaped("/Satoshi:31.0.0/"), "/Satoshi:31.0.0/");
    EXPECT_EQ(Escaped(""), "");
    EXPECT_EQ(Escaped("a\"b"), "a\\\"b");
    EXPECT_EQ(Escaped("a\nb"), "a\\\\x0ab");
    EXPECT_EQ(Escaped("a\\b"), "a\\\\\\\\b"); // doubled, so that nobody can write `\x0a` himself; then escaped
    EXPECT_EQ(Escaped("caf\xc3\xa9"), "caf\xc3\xa9");
    EXPECT_EQ(Escaped("\xff\xc3"), "\\\\xff\\\\xc3");
    EXPECT_EQ(Escaped({"\0}", 2}), "\\\\x00}");
}

TEST(Label, LongOnesAreCut)
{
    EXPECT_EQ(Escaped(std::string(80, 'a')), std::string(80, 'a'));
    EXPECT_EQ(Escaped(std::string(81, 'a')), std::string(80, 'a') + "...");
    std::string letters;
    for (int i{0}; i < 100; ++i) letters += "\xc3\xa9";
    EXPECT_EQ(Escaped(letters), letters.substr(0, 160) + "...");
}

/** One line of the format, read as the formats' grammar has it. */
struct Line {
    std::string name;
    std::map<std::string, std::string> labels;
    std::string value;
};

/** Empty if it is none. */
std::optional<Line> ParseLine(std::string_view text)
{
    const auto is_name{[](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }};
    Line line;
    std::size_t at{0};
    const auto name{[&] {
        const std::size_t begin{at};
        while (at < text.size() && is_name(text[at])) ++at;
        return std::string{text.substr(begin, at - begin)};
    }};
    line.name = name();
    if (line.name.empty() || at >= text.size()) return {};
    if (text[at] == '{') {
        ++at;
        while (true) {
            const std::string label{name()};
            if (label.empty() || text.substr(at, 2) != "=\"") return {};
            at += 2;
            std::string value;
            for (; at < text.size() && text[at] != '"'; ++at) {
                if (text[at] == '\\' && ++at < text.size() && text[at] != '\\' && text[at] != '"' && text[at] != 'n') return {};
                if (at < text.size()) value += text[at];
            }
            if (at >= text.size() || !line.labels.emplace(label, value).second) return {};
            ++at;
            if (at >= text.size() || (text[at] != ',' && text[at] != '}')) return {};
            if (text[at++] == '}') break;
        }
    }
    if (at >= text.size() || text[at] != ' ') return {};
    line.value = text.substr(at + 1);
    if (line.value.empty() || line.value.find_first_not_of("0123456789.e+-InfNa") != std::string::npos) return {};
    return line;
}

/** Every line is a sample or a head, all is UTF-8, no series is there twice. */
void ExpectWellFormed(const std::string& text)
{
    RC_ASSERT(util::IsUtf8(text));
    RC_ASSERT(text.ends_with("\n# EOF\n"));
    std::set<std::pair<std::string, std::map<std::string, std::string>>> series;
    for (std::string_view rest{text}; !rest.empty();) {
        const std::size_t end{rest.find('\n')};
        RC_ASSERT(end != std::string_view::npos);
        const std::string_view text_line{rest.substr(0, end)};
        rest.remove_prefix(end + 1);
        if (text_line.starts_with("# HELP coretap_") || text_line.starts_with("# TYPE coretap_") ||
            text_line.starts_with("# UNIT coretap_") || text_line == "# EOF") {
            continue;
        }
        const std::optional<Line> line{ParseLine(text_line)};
        RC_ASSERT(line.has_value());
        RC_ASSERT(line->name.starts_with("coretap_"));
        RC_ASSERT(series.emplace(line->name, line->labels).second);
    }
}

/** Bytes, with those that a format may trip over more often than chance has them. */
rc::Gen<std::string> Hostile()
{
    return rc::gen::container<std::string>(rc::gen::weightedOneOf<char>(
        {{3, rc::gen::arbitrary<char>()}, {2, rc::gen::element('"', '\\', '\n', '}', '{', ',', '=', ' ', '#')}, {1, rc::gen::just('x')}}));
}

RC_GTEST_PROP(Label, HostileWordsBreakNothing, ())
{
    NodeSnapshot node{SmallNode(*Hostile())};
    node.identity.executable = *Hostile();
    const auto count{*rc::gen::inRange(0, 8)};
    std::uint64_t sum{0};
    for (int i{0}; i < count; ++i) {
        // a common beginning of 80: those that differ behind it look alike
        const std::string word{std::string(*rc::gen::element(0U, 80U), 'a') + *Hostile()};
        node.gossip.user_agents[word] += 1;
        node.connections.misbehaving[word] += 1;
        node.mempool.rejected[word] += 1;
        node.connections.inbound[word] += 1;
        node.peers[0].network = word;
        ++sum;
    }
    const std::string text{Render(SnapshotOf({node, SmallNode(*Hostile())}), SmallSelf(), Format::OpenMetrics)};
    ExpectWellFormed(text);
    // Nothing is left out: what looks alike is added up
    std::uint64_t rendered{0};
    for (std::size_t at{text.find("\ncoretap_mempool_rejected_total")}; at != std::string::npos;
         at = text.find("\ncoretap_mempool_rejected_total", at + 1)) {
        rendered += std::stoull(text.substr(text.rfind(' ', text.find('\n', at + 1)) + 1));
    }
    RC_ASSERT(rendered == sum + 2 * 3); // and what the two small nodes have
}

TEST(Label, TheParserRefuses)
{
    for (const std::string_view bad : {"coretap_a{b=\"c\"\"} 1", "coretap_a{b=\"c} 1", "coretap_a{b=\"\\x\"} 1", "coretap_a 1 2 x",
                                       "coretap_a{b=\"c\",b=\"d\"} 1", ""}) {
        EXPECT_FALSE(ParseLine(bad)) << bad;
    }
    EXPECT_TRUE(ParseLine("coretap_a{b=\"c\\\"\\\\\",d=\"\"} +Inf"));
}

TEST(Format, IsWhatTheClientAcceptsBest)
{
    // Prometheus 2.42 and 3
    EXPECT_EQ(
        ChooseFormat(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
        Format::OpenMetrics);
    EXPECT_EQ(
        ChooseFormat("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"),
        Format::OpenMetrics);
    EXPECT_EQ(ChooseFormat("Application/OpenMetrics-Text ; Q=0.5 , text/plain ;q=0.5"), Format::OpenMetrics);
    EXPECT_EQ(ChooseFormat("application/openmetrics-text"), Format::OpenMetrics);

    EXPECT_EQ(ChooseFormat(""), Format::Text);
    EXPECT_EQ(ChooseFormat("*/*"), Format::Text);
    EXPECT_EQ(ChooseFormat("text/html,application/xhtml+xml,*/*;q=0.8"), Format::Text); // a browser
    EXPECT_EQ(ChooseFormat("application/openmetrics-text;q=0.3,text/plain"), Format::Text);
    EXPECT_EQ(ChooseFormat("application/openmetrics-text;q=0"), Format::Text);
    EXPECT_EQ(ChooseFormat("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"), Format::Text);
    EXPECT_EQ(ChooseFormat("application/openmetrics-text;version=0.0.1"), Format::Text);
    EXPECT_EQ(ChooseFormat("application/openmetrics-text;q=x,,;;=,"), Format::Text);
    EXPECT_EQ(ChooseFormat("application/openmetrics-text;q=1e400"), Format::Text);
    EXPECT_EQ(ContentType(Format::Text), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(ContentType(Format::OpenMetrics), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

} // namespace
} // namespace coretap::sinks::metrics
