// Transactions and block headers as views over their serialization (BIPs 141 and 144; src/primitives/ of Bitcoin Core).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>

#include "wire/reader.h"

namespace coretap::wire {

/** 32 bytes in wire order; Bitcoin Core shows them reversed. */
using Hash256 = std::array<std::byte, 32>;
/** 32 bytes in wire order, in the payload. */
using HashView = std::span<const std::byte, 32>;

struct TxIn {
    HashView prevout_txid;
    std::uint32_t prevout_index;
    ByteView script_sig;
    std::uint32_t sequence;
};

struct TxOut {
    std::int64_t value; //!< satoshi, as sent: nobody has checked its range
    ByteView script_pubkey;
};

/**
 * Iterates over elements that have been decoded once and are known to be whole; so it checks nothing. `Parse` reads one
 * element at a pointer and moves the pointer behind it. Elements come by value; what `->` leads to lives in the iterator.
 */
template <class Element, Element (*Parse)(const std::byte*&)>
class Elements {
    ByteView m_bytes;
    std::uint64_t m_count{0};

public:
    class Iterator {
        const std::byte* m_at{nullptr};                        //!< behind the current element
        std::uint64_t m_left{0};                               //!< the current one included
        alignas(Element) std::byte m_current[sizeof(Element)]; //!< an Element, where one is left

    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Element;
        using difference_type = std::ptrdiff_t;
        using pointer = const Element*;
        using reference = Element; // not into the iterator, which may be gone sooner than what is made of it

        Iterator() = default;
        Iterator(const std::byte* at, std::uint64_t count) : m_at{at}, m_left{count} { Load(); }
        reference operator*() const { return *operator->(); }
        pointer operator->() const { return std::launder(reinterpret_cast<const Element*>(m_current)); }
        Iterator& operator++()
        {
            --m_left;
            Load();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(const Iterator& other) const { return m_left == other.m_left; }

    private:
        void Load()
        {
            if (m_left != 0) new (m_current) Element{Parse(m_at)};
        }
    };

    Elements() = default;
    /** `count` whole elements from the start of `bytes` on. */
    Elements(ByteView bytes, std::uint64_t count) : m_bytes{bytes}, m_count{count} {}
    Iterator begin() const { return {m_bytes.data(), m_count}; }
    Iterator end() const { return {}; }
    std::uint64_t size() const { return m_count; }
    bool empty() const { return m_count == 0; }
    ByteView Bytes() const { return m_bytes; }
};

inline TxIn ParseTxIn(const std::byte*& at)
{
    const HashView txid{at, 32};
    at += 32;
    const auto index = unchecked::Little<std::uint32_t>(at);
    const ByteView script{unchecked::Take(at, unchecked::CompactSize(at))};
    return {txid, index, script, unchecked::Little<std::uint32_t>(at)};
}
inline TxOut ParseTxOut(const std::byte*& at)
{
    const auto value = static_cast<std::int64_t>(unchecked::Little<std::uint64_t>(at));
    return {value, unchecked::Take(at, unchecked::CompactSize(at))};
}
/** A byte string with its CompactSize. */
inline ByteView ParseItem(const std::byte*& at) { return unchecked::Take(at, unchecked::CompactSize(at)); }
using Inputs = Elements<TxIn, ParseTxIn>;
using Outputs = Elements<TxOut, ParseTxOut>;
using WitnessItems = Elements<ByteView, ParseItem>;
/** The stack of one input. */
inline WitnessItems ParseStack(const std::byte*& at)
{
    const std::uint64_t count{unchecked::CompactSize(at)};
    const std::byte* const begin{at};
    for (std::uint64_t i{0}; i < count; ++i) ParseItem(at);
    return {{begin, at}, count};
}
using WitnessStacks = Elements<WitnessItems, ParseStack>;

/**
 * A transaction. Of one that was cut by us, or is malformed, what came before: `whole` is false, and inputs, outputs and stacks
 * have the elements that are there in full; the claimed counts tell how many there should be.
 */
struct Tx {
    ByteView raw;            //!< as it was sent: with witness if has_witness; of one that is not whole, what is there
    std::int32_t version{0}; //!< Bitcoin Core reads it as unsigned since 28.0 (uint32_t CTransaction::version)
    std::uint32_t lock_time{0};
    bool has_witness{false};
    bool whole{false};
    std::uint64_t input_count{0};  //!< claimed
    std::uint64_t output_count{0}; //!< claimed
    Inputs inputs;
    Outputs outputs;
    WitnessStacks witness; //!< one stack an input; empty without witness

    /** Bytes without witness; of a whole transaction only, like the next two. */
    std::size_t StrippedSize() const noexcept { return has_witness ? raw.size() - witness.Bytes().size() - 2 : raw.size(); }
    std::size_t Weight() const noexcept { return StrippedSize() * 3 + raw.size(); }
    /** Virtual size, rounded up (BIP 141). */
    std::size_t VSize() const noexcept { return (Weight() + 3) / 4; }
};

/** Bytes of the smallest transaction that UnserializeTransaction() takes: no inputs, no outputs. */
inline constexpr std::size_t MIN_TX_SIZE{10};
/** UnserializeTransaction() of src/primitives/transaction.h. */
Tx ReadTx(Reader& reader) noexcept;
/** A transaction that ReadTx() found whole. */
Tx ParseTx(const std::byte*& at);

/** The 80 bytes of a block header. */
struct BlockHeader {
    static constexpr std::size_t SIZE{80};
    ByteView raw; //!< 80 bytes
    std::int32_t version{0};
    ByteView previous;    //!< hash of the block before, 32 bytes in wire order
    ByteView merkle_root; //!< 32 bytes in wire order
    std::uint32_t time{0};
    std::uint32_t bits{0};
    std::uint32_t nonce{0};
};
/** Empty views if the bytes are not all there. */
BlockHeader ReadBlockHeader(Reader& reader) noexcept;
BlockHeader ParseBlockHeader(const std::byte*& at);

// ---- ids: SHA-256 twice, computed when asked for ----------------------------------------------------------------

Hash256 Sha256d(ByteView bytes);
/** Hash of a header: the block's. Of 80 bytes. */
Hash256 HashOf(const BlockHeader& header);
/** Of a whole transaction. */
Hash256 Txid(const Tx& tx);
/** Of a whole transaction; equals the txid where there is no witness. */
Hash256 Wtxid(const Tx& tx);
struct TxIds {
    Hash256 txid;
    Hash256 wtxid;
};
/** Both, for what the txid costs where there is no witness. */
TxIds IdsOf(const Tx& tx);

} // namespace coretap::wire
