#include "support/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iostream>

#include "support/error.h"

namespace wavemt {

void PrepareStandardStreams() {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // Opened in the wrong mode, so that using a stream that was closed fails as it should. open()
    // returns the lowest free number, which is this one.
    const int mode = descriptor == STDOUT_FILENO ? O_RDONLY : O_WRONLY;
    if (open("/dev/null", mode) != descriptor) return;
  }
}

void FinishStandardOutput() {
  std::cout.flush();
  if (std::fflush(stdout) != 0) {
    throw Failure("standard output: cannot be written: {}", std::strerror(errno));
  }
  if (!std::cout || std::ferror(stdout) != 0) {
    throw Failure("standard output: cannot be written");
  }
}

int EndProcess(int exit_code) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return exit_code;
#else
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(exit_code);
#endif
}

}  // namespace wavemt
