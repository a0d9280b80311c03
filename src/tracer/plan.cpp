#include "tracer/plan.h"

#include <algorithm>
#include <string>

#include "tracer/conformance.h"

namespace coretap::tracer {
namespace {

using event::ArgDef;
using event::ArgType;
using event::Handler;
using event::Origin;
using event::TracepointDef;
using util::Errc;
using util::Error;
using util::Result;

constexpr std::uint32_t HASH_SIZE{32};
constexpr std::uint8_t POINTER_SIZE{8};

std::uint8_t HandlerCode(Handler handler)
{
    switch (handler) {
    case Handler::Generic: return CT_HANDLER_GENERIC;
    case Handler::Message: return CT_HANDLER_MESSAGE;
    case Handler::Coin: return CT_HANDLER_COIN;
    }
    return CT_HANDLER_GENERIC;
}

std::uint8_t TypeCode(ArgType type)
{
    switch (type) {
    case ArgType::Int:
    case ArgType::Uint:
    case ArgType::Bool: return CT_TYPE_INT;
    case ArgType::String: return CT_TYPE_STRING;
    case ArgType::Hash: return CT_TYPE_HASH;
    case ArgType::Bytes: return CT_TYPE_BYTES;
    }
    return CT_TYPE_INT;
}

std::uint32_t Bound(std::uint32_t asked, std::uint32_t most) { return asked == 0 ? most : std::min(asked, most); }

std::uint32_t BoundOf(const TracepointDef& row, const ArgDef& arg)
{
    switch (arg.type) {
    case ArgType::Int:
    case ArgType::Uint:
    case ArgType::Bool: return 0;
    case ArgType::String: return Bound(arg.bound, CT_MAX_STRING);
    case ArgType::Hash: return HASH_SIZE;
    case ArgType::Bytes: return Bound(arg.bound, row.handler == Handler::Message ? CT_MAX_PAYLOAD : CT_MAX_BYTES);
    }
    return 0;
}

/** Why the operands do not do, empty if they do. */
std::string OperandTrouble(const TracepointDef& row, const ProbeSite& site)
{
    if (!site.arg_error.empty()) return site.arg_error;
    if (site.args.size() < row.args.size())
        return "it has " + std::to_string(site.args.size()) + " arguments, " + std::to_string(row.args.size()) + " are expected";
    if (row.origin != Origin::User) {
        ProbeSite front{site};
        front.args.resize(row.args.size());
        const auto differences = Differences(row, front);
        return differences.empty() ? std::string{} : differences.front();
    }
    for (std::size_t i{0}; i < row.args.size(); ++i) {
        if (TypeCode(row.args[i].type) != CT_TYPE_INT && site.args[i].size != POINTER_SIZE) {
            return "argument " + std::to_string(i + 1) + " (" + row.args[i].name + ") is no pointer: it has " +
                   std::to_string(site.args[i].size) + " bytes";
        }
    }
    return {};
}

} // namespace

Result<ct_plan> MakePlan(const TracepointDef& row, const ProbeSite& site)
{
    const std::string name{row.FullName()};
    if (row.args.size() > CT_MAX_ARGS)
        return Error{Errc::Usage, "tracepoint " + name + " has more than " + std::to_string(CT_MAX_ARGS) + " arguments"};
    if (const std::string trouble{OperandTrouble(row, site)}; !trouble.empty()) {
        return Error{Errc::Unsupported, "tracepoint " + name + " cannot be traced in this binary: " + trouble};
    }

    ct_plan plan{};
    plan.tracepoint = row.id;
    plan.nargs = static_cast<__u8>(row.args.size());
    plan.mode = CT_MODE_DELIVER;
    plan.handler = HandlerCode(row.handler);
    plan.outbound = row.id == event::id::OUTBOUND_MESSAGE ? 1 : 0;
    for (std::size_t i{0}; i < row.args.size(); ++i) {
        const ArgDef& arg{row.args[i]};
        ct_plan_arg& out{plan.args[i]};
        out.spec = site.args[i];
        out.type = TypeCode(arg.type);
        out.bound = BoundOf(row, arg);
        if (arg.type != ArgType::Bytes) continue;
        if (arg.length_arg >= row.args.size() || TypeCode(row.args[arg.length_arg].type) != CT_TYPE_INT) {
            return Error{Errc::Usage, "tracepoint " + name + ": the length of argument " + arg.name + " is no integer argument"};
        }
        out.len_arg = arg.length_arg;
    }
    return plan;
}

} // namespace coretap::tracer
