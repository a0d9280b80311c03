// What the API answers: valid whatever strangers wrote, and described by openapi.json, member by member.
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/web/snapshot_fixture.h"
#include "util/text.h"
#include "web/api_json.h"
#include "web/assets.h"

namespace coretap {
namespace {

namespace json = boost::json;
using namespace web;

const event::Catalogue CATALOGUE;

json::value OpenApi()
{
    const Asset* const asset{FindAsset("static/openapi.json")};
    return asset ? json::parse({asset->bytes.data(), asset->bytes.size()}) : json::value{};
}

/** Compares values with schemas. Knows what openapi.json uses. */
class Validator {
    const json::value m_doc = OpenApi();

public:
    std::vector<std::string> complaints;

    const json::object& Schema(const json::value& schema) const
    {
        if (const json::value* const ref{schema.as_object().if_contains("$ref")}) {
            const std::string name{ref->as_string()};
            return m_doc.at("components").at("schemas").at(name.substr(name.rfind('/') + 1)).as_object();
        }
        return schema.as_object();
    }

    void Check(const json::value& value, const json::value& schema_or_ref, const std::string& where)
    {
        const json::object& schema{Schema(schema_or_ref)};
        if (const json::value* const one_of{schema.if_contains("oneOf")}) {
            if (!value.is_null()) Check(value, one_of->as_array().at(0), where);
            return;
        }
        bool fits{false};
        const json::value& type{schema.at("type")};
        for (const json::value& name : type.is_array() ? type.as_array() : json::array{type}) fits |= Fits(value, name.as_string());
        if (!fits) return complaints.push_back(where + " has another type: " + json::serialize(value));
        if (value.is_array()) {
            for (const json::value& item : value.as_array()) Check(item, schema.at("items"), where + "[]");
        }
        if (value.is_object()) CheckObject(value.as_object(), schema, where);
    }

    void CheckPath(std::string_view path, const std::string& text)
    {
        boost::system::error_code error;
        const json::value value(json::parse(text, error));
        ASSERT_FALSE(error) << path;
        EXPECT_TRUE(util::IsUtf8(text)) << path;
        const json::value& get{m_doc.at("paths").at(path).at("get")};
        Check(value, get.at("responses").at("200").at("content").at("application/json").at("schema"), std::string{path});
    }
    void CheckSchema(std::string_view name, const std::string& text)
    {
        Check(json::parse(text), m_doc.at("components").at("schemas").at(name), std::string{name});
    }

private:
    static bool Fits(const json::value& value, std::string_view type)
    {
        if (type == "null") return value.is_null();
        if (type == "boolean") return value.is_bool();
        if (type == "integer") return value.is_int64() || value.is_uint64();
        if (type == "number") return value.is_number();
        if (type == "string") return value.is_string();
        if (type == "array") return value.is_array();
        return type == "object" && value.is_object();
    }

    void CheckObject(const json::object& object, const json::object& schema, const std::string& where)
    {
        const json::value* const properties{schema.if_contains("properties")};
        const json::value* const others{schema.if_contains("additionalProperties")};
        for (const auto& [name, value] : object) {
            const std::string member{where + "." + std::string{name}};
            if (const json::value* const described_as{properties ? properties->as_object().if_contains(name) : nullptr}) {
                Check(value, *described_as, member);
            } else if (others && others->is_object()) {
                Check(value, *others, where + ".*");
            } else if (!others || (others->is_bool() && !others->as_bool())) {
                complaints.push_back(member + " is not described");
            }
        }
        if (const json::value* const required{schema.if_contains("required")}) {
            for (const json::value& name : required->as_array()) {
                if (!object.contains(name.as_string())) complaints.push_back(where + "." + std::string{name.as_string()} + " is missing");
            }
        }
    }
};

TEST(ApiJson, IsWhatOpenApiSays)
{
    const auto snapshot = test::FullSnapshot();
    Validator validator;
    validator.CheckPath("/api/v1/snapshot", SnapshotJson(*snapshot, CATALOGUE, {}, false));
    validator.CheckSchema("WebSocketSnapshot", SnapshotJson(*snapshot, CATALOGUE, {{"rpc", "{}"}}, true));
    validator.CheckPath("/api/v1/nodes", NodesJson(*snapshot));
    validator.CheckPath("/api/v1/losses", LossesJson(*snapshot, CATALOGUE));
    for (const auto& node : snapshot->nodes) {
        validator.CheckPath("/api/v1/peers", PeersJson(*node, true));
        for (const auto& peer : node->peers) validator.CheckPath("/api/v1/peers/{id}", PeerJson(*node, peer.id));
        validator.CheckPath("/api/v1/blocks", BlocksJson(*node, 10));
        validator.CheckPath("/api/v1/mempool", MempoolJson(*node));
        validator.CheckPath("/api/v1/utxo", UtxoJson(*node));
        validator.CheckPath("/api/v1/messages", MessagesJson(*node));
        validator.CheckPath("/api/v1/addr", AddrJson(*node));
        validator.CheckPath("/api/v1/history", HistoryJson(*node));
    }
    EXPECT_THAT(validator.complaints, testing::IsEmpty());
}

TEST(ApiJson, TheValidatorSeesWhatIsWrong)
{
    Validator validator;
    validator.CheckSchema("MessageCount", R"({"count":"3","bytes":1,"more":2})");
    validator.CheckSchema("MessageCount", R"({"count":3})");
    EXPECT_EQ(validator.complaints.size(), 3u);
}

TEST(ApiJson, TimesHashesAndServicesAreAsThePageReadsThem)
{
    const auto snapshot = test::FullSnapshot();
    const auto& node = *snapshot->nodes[0];
    const auto peer = json::parse(PeerJson(node, 12));
    EXPECT_EQ(peer.at("last_in_utc_ms").as_double(), 1'795'338'904'123.456);
    EXPECT_TRUE(peer.at("last_out_utc_ms").is_null()) << "never";
    EXPECT_EQ(peer.at("version").at("services").as_string(), "0000000000000c09");
    EXPECT_EQ(json::serialize(peer.at("version").at("services_names")), R"(["NETWORK","WITNESS","NETWORK_LIMITED","P2P_V2"])");
    EXPECT_EQ(json::serialize(peer.at("messages")),
              R"({"in":{"inv":{"count":3,"bytes":111},"ping":{"count":1,"bytes":8}},"out":{"ping":{"count":2,"bytes":16}}})");
    EXPECT_EQ(peer.at("bytes_in").as_int64(), 119);
    EXPECT_EQ(json::serialize(peer.at("lists")), R"(["tor-exits"])");
    const auto block = json::parse(BlocksJson(node, 10)).at("blocks").at(0);
    EXPECT_TRUE(std::string_view{block.at("hash").as_string()}.starts_with("ab00"));
    EXPECT_EQ(block.at("announcements").at(0).at("via").as_string(), "cmpctblock");
    EXPECT_EQ(ServiceName(40), "UNKNOWN[2^40]");
}

TEST(ApiJson, StrangersBytesStayText)
{
    const auto snapshot = test::FullSnapshot();
    const auto peer = json::parse(PeerJson(*snapshot->nodes[0], 12));
    EXPECT_EQ(peer.at("version").at("user_agent").as_string(), "</script>\"\\\x01\xef\xbf\xbd\xe2\x80\xa8");
    EXPECT_TRUE(PeerJson(*snapshot->nodes[0], 99).empty());
}

} // namespace
} // namespace coretap
