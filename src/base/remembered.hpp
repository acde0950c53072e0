// What was measured on this machine, kept from one run of the program to the next.
#pragma once

#include <optional>
#include <string>

namespace hyperconv {

/// What remember() last kept under this key: a line of the file `measured` in the user's cache
/// folder ($HYPERCONV_CACHE, else $XDG_CACHE_HOME/hyperconv, else $HOME/.cache/hyperconv). Nothing
/// where nothing was kept, where there is no such file or it cannot be read, and where the folder's
/// variable is empty (HYPERCONV_CACHE= keeps nothing). Throws nothing. Any thread.
std::optional<std::string> remembered(const std::string& key);

/// Keeps a value, in the place of one that stands there. Neither holds a line's end, and the key
/// no tab. The file appears whole; of processes that keep something at the same time one may win.
/// Does nothing where the folder cannot be written: what was measured is measured again.
void remember(const std::string& key, const std::string& value);

}  // namespace hyperconv
