#pragma once

#include <string>
#include <string_view>

namespace file_faults {

/// The effect on one file-system call.
enum class Fault {
  kNone,
  kKill,      // The process is killed before the call.
  kTorn,      // Half of a write is done, then the process is killed; other calls: like kKill.
  kPowerCut,  // Like kKill, and what was not synced is lost (see power_cut.h).
  kError,     // The call fails with Decision::error.
  kShort,     // A write stops after half of its bytes; other calls succeed.
  kFlip,      // A write flips a bit but reports success; other calls succeed.
  kStop,      // The process gets a SIGTERM before the call, which succeeds.
};

struct Decision {
  Fault fault = Fault::kNone;
  int error = 0;
};

/// The plan is read from the environment, once:
///   FILE_FAULTS_FOLDER  Only calls on paths in this folder are watched; if unset, none are.
///   FILE_FAULTS_PLAN    FAULT@N, FAULT@N-M or FAULT@N+ (from N on), where FAULT is kill, torn,
///                       powercut, short, flip, stop or an error's name (ENOSPC, EDQUOT, EIO,
///                       EROFS, EACCES). Without a plan, calls are only traced.
///   FILE_FAULTS_BEGIN   CALL:TEXT. Counting begins with a call of this name on a path that
///                       contains the text.
///   FILE_FAULTS_ONLY    Only calls on paths that contain this text are counted.
///   FILE_FAULTS_TRACE   A file that gets a line "NUMBER CALL PATH" for each watched call; the
///                       number is 0 for calls that are not counted.
/// A range of calls models a lasting condition of the disk: a full disk still deletes, a
/// write-protected one still reads. A single planned call fails whatever it is.
Decision Decide(std::string_view call, const std::string& path);

/// True if `path` lies in FILE_FAULTS_FOLDER.
bool IsWatched(const std::string& path);

/// True if the plan is a power cut, for which every call must be tracked.
bool PlansPowerCut();

}  // namespace file_faults
