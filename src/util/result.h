// Errors as values. A function that can fail for a reason outside the program returns Result<T>;
// exceptions do not cross a library boundary.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace coretap::util {

/** Why something failed, coarse enough to choose an exit code from. */
enum class Errc {
    Usage,       //!< The caller asked for something that makes no sense (flag, filter, config).
    Permission,  //!< The kernel or the file system said no.
    Unsupported, //!< This kernel or binary lacks what is needed.
    NotFound,    //!< No such node, file, tracepoint.
    Io,          //!< Reading or writing failed.
    Malformed,   //!< Input does not have the shape it claims.
};

/** What failed, on what, why, and what the user can do: one readable sentence or two in `what`. */
struct Error {
    Errc code{Errc::Io};
    std::string what;
    int sys_errno{0}; //!< errno at the failure, 0 if none.
};

template <class T = std::monostate>
class [[nodiscard]] Result {
    std::variant<T, Error> m_v;

public:
    // NOLINTNEXTLINE(google-explicit-constructor): `return value;` and `return Error{...};` are the point.
    Result(T value = {}) : m_v{std::in_place_index<0>, std::move(value)} {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    Result(Error error) : m_v{std::in_place_index<1>, std::move(error)} {}

    explicit operator bool() const noexcept { return m_v.index() == 0; }
    T& operator*() & { return std::get<0>(m_v); }
    const T& operator*() const& { return std::get<0>(m_v); }
    T&& operator*() && { return std::get<0>(std::move(m_v)); }
    T* operator->() { return &std::get<0>(m_v); }
    const T* operator->() const { return &std::get<0>(m_v); }
    const Error& GetError() const { return std::get<1>(m_v); }
};

} // namespace coretap::util
