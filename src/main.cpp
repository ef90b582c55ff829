#include "commands/command_line.h"
#include "support/standard_streams.h"

int main(int argc, char** argv) { return wavemt::EndProcess(wavemt::RunCommandLine(argc, argv)); }
