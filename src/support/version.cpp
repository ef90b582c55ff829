#include "support/version.h"

namespace wavemt {

std::string_view ProgramVersion() { return WAVEMT_VERSION; }

}  // namespace wavemt
