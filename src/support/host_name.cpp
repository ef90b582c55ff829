#include "support/host_name.h"

#include <unistd.h>

namespace wavemt {

std::string HostName() {
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  return host;
}

}  // namespace wavemt
