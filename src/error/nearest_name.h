// "Did you mean": the candidate that a misspelt name most likely stands for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pilum {

/// The candidate with the fewest edits (letter case costs nothing), or "" when none is close.
std::string NearestName(std::string_view name, const std::vector<std::string>& candidates);

/// Whether the two are equal but for the case of ASCII letters.
bool EqualsIgnoreCase(std::string_view left, std::string_view right);

/// `name` with its ASCII letters in lower case.
std::string ToLower(std::string_view name);

}  // namespace pilum
