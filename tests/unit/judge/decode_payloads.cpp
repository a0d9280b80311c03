// What judge_test.py compares with Bitcoin Core's own test framework: reads `type size hex` lines (the hex is what was captured,
// from the start on; `-` for none) and writes for each the JSON of the decoded message, a line.
#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "event/message_json.h"
#include "wire/message.h"

namespace {

int Digit(char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

} // namespace

int main()
{
    std::ios::sync_with_stdio(false);
    std::string type;
    std::uint64_t size{0};
    std::string hex;
    std::string line;
    while (std::cin >> type >> size >> hex) {
        std::vector<std::byte> bytes;
        for (std::size_t i{0}; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<std::byte>(Digit(hex[i]) << 4 | Digit(hex[i + 1])));
        line.clear();
        coretap::event::AppendMessageJson(line, coretap::wire::Decode(coretap::wire::MessageTypeOf(type), bytes, size));
        line += '\n';
        std::cout << line;
    }
    return 0;
}
