// Translates lines with a run that `wavemt train` made. usage: translate_lines RUN LINE...
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "workflow/trained_model.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: translate_lines RUN LINE...\n");
    return 2;
  }
  try {
    const wavemt::TrainedModel model = wavemt::OpenModel(argv[1]);
    const std::vector<std::string> lines(argv + 2, argv + argc);
    const wavemt::Translator translator = model.MakeTranslator();
    for (const std::string& translation :
         translator.TranslateBest({.lines = lines}, model.config.decoding)) {
      std::puts(translation.c_str());
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "translate_lines: %s\n", error.what());
    return 1;
  }
  return 0;
}
