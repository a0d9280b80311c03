// What docs/messages.md says of each message type, beside what the program shows: kept next to its test, which compares both.
#pragma once

#include <span>
#include <string_view>

namespace coretap::test {

/** A member of a JSON object. */
struct MemberDoc {
    std::string_view name;
    std::string_view type;
    std::string_view what;
    std::string_view group{}; //!< the table of its objects' members
    bool optional{false};     //!< the example may lack it
};

/** Members that several messages share. */
struct GroupDoc {
    std::string_view name;
    std::string_view what;
    std::span<const MemberDoc> members;
};

struct TypeDoc {
    std::string_view types; //!< one or several with the same members, separated by blanks
    std::string_view what;  //!< a sentence: what it is for, and where it is described
    std::span<const MemberDoc> members;
};

std::span<const GroupDoc> GroupDocs();
/** In the order of the page. */
std::span<const TypeDoc> TypeDocs();
/** Members that any message may have. */
std::span<const MemberDoc> FindingDocs();

} // namespace coretap::test
