#include "training/checkpoint_saver.h"

#include "support/error.h"

namespace wavemt {

bool CheckpointSaver::IsDueAfter(int64_t step) {
  is_due_ = is_due_ || step % config_.save_every == 0;
  return is_due_;
}

void CheckpointSaver::Save(const RunDirectory& run, const Request& request,
                           const std::function<Checkpoint()>& make_checkpoint) {
  is_due_ = false;
  try {
    if (!IsSaved(request.step)) {
      WriteCheckpoint(run.CheckpointPath(request.step), make_checkpoint());
      run.SetLatest(request.step);
      NoteSaved(request.step);
    }
    if (request.is_best) run.SetBest(request.step);
  } catch (const Error& error) {
    // The weights that a run was to begin with: nothing can be resumed without them.
    if (request.step == 0) {
      throw Failure("{}; training stops here, with nothing saved yet", error.what());
    }
    throw Failure(
        "{}; training stops here; `wavemt resume {}` continues from the previous checkpoint",
        error.what(), run.path().string());
  }
  if (!request.keep_all) {
    run.RemoveOldCheckpoints(config_.keep_last, request.step, request.best_steps);
  }
}

}  // namespace wavemt
