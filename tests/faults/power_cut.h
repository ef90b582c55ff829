#pragma once

#include <string>

namespace file_faults {

/// Follows what is synced and what is not, as POSIX promises it: a file's bytes are safe once the
/// file was synced, a name once its folder was. Names that were removed are gone at once, which is
/// the worst order for a program that removes the old before the new is safe.
void NoteCreated(const std::string& path);
void NoteWrite(int descriptor, const std::string& path);  // Before the write.
void NoteSynced(const std::string& path);
void NoteRename(const std::string& from, const std::string& to, bool exchange);  // Before it.
void NoteRemoved(const std::string& path);

/// Takes away everything that was not synced.
void LoseUnsynced();

}  // namespace file_faults
