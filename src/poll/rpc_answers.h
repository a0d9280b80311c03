// The results of RPC methods, as JSON, turned into NodeFacts. Pure; fuzzed.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "poll/json_reader.h"
#include "poll/node_facts.h"

namespace coretap::poll {

/** Name of a method as Bitcoin Core has it. */
std::string_view MethodName(RpcMethod method);
/** What it is called with. */
boost::json::array MethodParams(RpcMethod method);

/**
 * Put the result of `method` into its part of `facts`; that of RawAddrman is read while it comes (raw_addrman.h), not here. What is odd
 * within is left out and noted. False if the whole is of no use (another type): then `facts` stays as it was and `odd.first` says why.
 */
bool ReadResult(RpcMethod method, const boost::json::value& result, NodeFacts& facts, Oddities& odd);

} // namespace coretap::poll
