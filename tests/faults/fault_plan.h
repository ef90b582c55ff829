#pragma once

#include <string>
#include <string_view>

namespace file_faults {

/// What happens to one file-system call.
enum class Fault {
  kNone,
  kKill,      // The process is killed before the call.
  kTorn,      // Half of a write is done, then the process is killed; other calls: as kKill.
  kPowerCut,  // As kKill, and what was not synced is lost (power_cut.h).
  kError,     // The call fails with Decision::error.
  kShort,     // A write takes half of its bytes; other calls are done.
  kFlip,      // A write changes a bit and says that all is well; other calls are done.
};

struct Decision {
  Fault fault = Fault::kNone;
  int error = 0;
};

/// The plan is read from the environment, once:
///   FILE_FAULTS_FOLDER  calls on paths in this folder are counted; unset: nothing happens
///   FILE_FAULTS_PLAN    FAULT@N, FAULT@N-M or FAULT@N+ (from N on), where FAULT is kill, torn,
///                       powercut, short, flip or an error's name (ENOSPC, EDQUOT, EIO, EROFS,
///                       EACCES). Without a plan, calls are only traced.
///   FILE_FAULTS_BEGIN   CALL:TEXT; counting begins with a call of that name on a path with the
///   text FILE_FAULTS_ONLY    only calls on paths with this text are counted FILE_FAULTS_TRACE   a
///   file to which a line "NUMBER CALL PATH" goes for each call; not counted
///                       ones have the number 0
/// A range of calls stands for a disk that stays as it is: a full one still deletes, a
/// write-protected one still reads. A single call fails whatever it is.
Decision Decide(std::string_view call, const std::string& path);

/// True if `path` lies in FILE_FAULTS_FOLDER.
bool IsWatched(const std::string& path);

/// True if the plan is a power cut, for which every call must be followed.
bool PlansPowerCut();

}  // namespace file_faults
