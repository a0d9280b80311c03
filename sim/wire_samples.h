// What messages look like: a payload of every type, and those a node takes amiss. The table in wire_samples.cpp drives the
// scenarios that fire all types; a new type is one row there.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sim/hash.h"
#include "sim/wire_encode.h"

namespace coretap::sim {

struct MessageSample {
    std::string_view type;
    unsigned share;      //!< of the messages of scenario `messages`, relative to the others'
    Bytes (*make)(Rng&); //!< a believable payload; null: the type carries none
};
/** Every type that Bitcoin Core sends, accepts or has accepted, and last one that nobody knows. */
std::span<const MessageSample> MessageSamples();
/** A payload of this type; empty for types that carry none, and for those that are not in the table. */
Bytes SamplePayload(std::string_view msg_type, Rng& rng);

/** Something for which Bitcoin Core disconnects a peer, and the message that earns it. All but the last can be read. */
struct Misdeed {
    std::string_view reason; //!< as Bitcoin Core words it (Misbehaving(), src/net_processing.cpp)
    std::string_view type;
    Bytes (*make)(Rng&);
};
std::span<const Misdeed> Misdeeds();

/** A payload that cannot be read: Bitcoin Core logs it, drops the message and keeps the peer. Always the same bytes. */
struct MalformedMessage {
    std::string_view type;
    Bytes payload;
};
/** The one misdeed that is malformed is among them. */
const std::vector<MalformedMessage>& MalformedMessages();

/** A block whose header commits to its transactions, as a node checks it (BIPs 34 and 141); made-up coins. */
struct SampleBlock {
    BlockHeader header;
    std::vector<TxBytes> txs; //!< the coinbase first

    std::vector<const TxBytes*> TxPointers() const;
};
/** Of at least so many bytes: the last transaction goes beyond. */
SampleBlock MakeSampleBlock(Rng& rng, std::size_t size_bytes);

} // namespace coretap::sim
