// A value of an event's JSON as text: in a cell of CSV, or as JSON again.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace coretap::sinks::table {

/**
 * Append the value as JSON, as event::AppendJson writes it: integers of 64 bits exact, strings escaped alike. Null
 * stands for a value that is not there.
 */
void AppendJsonValue(std::string& out, const boost::json::value* value);

/**
 * Append text as a cell of CSV (RFC 4180): in quotes if it has a quote, a comma, a line break or a blank at either end, and if
 * it is empty, so that an empty string is not mistaken for no value. U+0000, which many readers take for the end of the
 * text, becomes U+FFFD; everything else stays as it is. Expects valid UTF-8.
 *
 * `guard`: text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets an
 * apostrophe in front.
 */
void AppendCsvText(std::string& out, std::string_view text, bool guard);

/**
 * Append the value as a cell of CSV: nothing for null and for what is not there, true and false, numbers in full, strings as
 * text, arrays and objects as JSON. `guard` is for strings: numbers are no formulas.
 */
void AppendCsvValue(std::string& out, const boost::json::value* value, bool guard);

} // namespace coretap::sinks::table
