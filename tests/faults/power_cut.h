#pragma once

#include <string>

namespace file_faults {

/// Tracks what has been synced according to POSIX: a file's bytes are safe once the file has been
/// synced, a name once its folder has been. Removals take effect at once, the worst case for a
/// program that removes the old before the new is safe.
void NoteCreated(const std::string& path);
void NoteWrite(int descriptor, const std::string& path);  // Before the write.
void NoteSynced(const std::string& path);
void NoteRename(const std::string& from, const std::string& to, bool exchange);  // Before it.
void NoteRemoved(const std::string& path);

/// Discards everything that was not synced.
void LoseUnsynced();

}  // namespace file_faults
