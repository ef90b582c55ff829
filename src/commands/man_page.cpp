#include "commands/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "support/version.h"

namespace wavemt {
namespace {

std::string Bold(const std::string& text) { return "\\fB" + EscapeRoff(text) + "\\fR"; }
std::string Italic(const std::string& text) { return "\\fI" + EscapeRoff(text) + "\\fR"; }

std::string UpperCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// "wavemt-tokenizer" for the path "tokenizer".
std::string PageName(const CommandInfo& command) {
  return command.path.empty() ? "wavemt" : "wavemt-" + command.path;
}

// The first sentence of --help as what stands after "wavemt-train - " in a list of pages.
std::string Summary(const CommandInfo& command) {
  std::string text = FirstSentence(command.description);
  const std::string subject = "wavemt ";
  if (text.starts_with(subject)) text.erase(0, subject.size());
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

std::string Header(const CommandInfo& command) {
  return fmt::format(".TH {} 1 \"{}\" \"wavemt {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                     EscapeRoff(UpperCase(PageName(command))), ProgramDate(),
                     EscapeRoff(std::string(ProgramVersion())), EscapeRoff(PageName(command)),
                     EscapeRoff(Summary(command)));
}

std::string ArgumentText(const OptionInfo& argument) {
  std::string text = Italic(argument.names[0]);
  if (argument.most_values > 1) text += " ...";
  return argument.is_required ? text : "[" + text + "]";
}

// "wavemt tokenizer train [OPTIONS] ..."
std::string Synopsis(const CommandInfo& command) {
  std::string text = Bold(command.path.empty() ? "wavemt" : "wavemt " + command.path);
  if (!command.options.empty()) text += " [" + Italic("OPTIONS") + "]";
  for (const OptionInfo& argument : command.arguments) text += " " + ArgumentText(argument);
  if (!command.commands.empty()) text += " " + Italic("COMMAND");
  return text + "\n";
}

std::string Described(const OptionInfo& option) {
  std::string text = option.description;
  const bool is_sentence = text.empty() || text.ends_with('.') || text.ends_with(':');
  if (!is_sentence) text += ".";
  if (!option.default_value.empty()) text += " Default: " + option.default_value + ".";
  if (option.is_required && option.names[0].starts_with('-')) text += " Required.";
  return EscapeRoff(text) + "\n";
}

std::string OptionText(const OptionInfo& option) {
  std::string names;
  for (const std::string& name : option.names) {
    const bool is_argument = !name.starts_with('-');
    names += (names.empty() ? "" : ", ") + (is_argument ? Italic(name) : Bold(name));
  }
  if (option.kind == ValueKind::kChoice && !option.names[0].starts_with('-')) {
    names += ": " + Italic(option.value_name);
  } else if (option.most_values > 0 && option.names[0].starts_with('-')) {
    names += " " + Italic(option.value_name);
    if (option.most_values > 1) names += " ...";
  }
  return ".TP\n" + names + "\n" + Described(option);
}

// The options of a command under the headings of --help: the first group is the section itself.
std::string OptionTexts(const CommandInfo& command, const std::string& first_heading) {
  std::string text;
  std::vector<std::string> groups;
  for (const OptionInfo& option : command.options) {
    if (std::ranges::find(groups, option.group) == groups.end()) groups.push_back(option.group);
  }
  for (const std::string& group : groups) {
    text += group == groups.front() ? first_heading : ".SS " + EscapeRoff(group) + "\n";
    for (const OptionInfo& option : command.options) {
      if (option.group == group) text += OptionText(option);
    }
  }
  return text;
}

std::string ArgumentTexts(const CommandInfo& command) {
  std::string text;
  for (const OptionInfo& argument : command.arguments) text += OptionText(argument);
  return text;
}

// The footer of --help, whose lines stay lines.
std::string FooterText(const CommandInfo& command) {
  if (command.footer.empty()) return "";
  std::string text = ".SH NOTES\n.nf\n";
  size_t begin = 0;
  while (begin < command.footer.size()) {
    const size_t end = std::min(command.footer.find('\n', begin), command.footer.size());
    text += EscapeRoff(command.footer.substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return text + ".fi\n";
}

std::string PageReference(const std::string& name) {
  return fmt::format(".BR {} (1)", EscapeRoff(name));
}

// A command below that of the page.
std::string BelowText(const CommandInfo& command) {
  std::string text = fmt::format(".SS {}\n{}.PP\n{}", EscapeRoff("wavemt " + command.path),
                                 EscapeRoff(command.description) + "\n", Synopsis(command));
  text += ArgumentTexts(command) + OptionTexts(command, "");
  return command.footer.empty() ? text : text + ".PP\n" + EscapeRoff(command.footer) + "\n";
}

}  // namespace

std::string EscapeRoff(const std::string& text) {
  std::string escaped;
  bool begins_line = true;
  for (const char c : text) {
    // A line that begins with these is a request; \& is nothing.
    if (begins_line && (c == '.' || c == '\'')) escaped += "\\&";
    begins_line = c == '\n';
    switch (c) {
      case '\\':
        escaped += "\\e";
        break;
      case '-':  // Not the hyphen of words that are divided, which copies as another character.
        escaped += "\\-";
        break;
      case '\'':  // Else they may be shown as other quotes.
        escaped += "\\(aq";
        break;
      case '`':
        escaped += "\\(ga";
        break;
      case '"':
        escaped += "\\(dq";
        break;
      case '^':
        escaped += "\\(ha";
        break;
      case '~':
        escaped += "\\(ti";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string PageFileName(const CommandInfo& command) { return PageName(command) + ".1"; }

std::string ProgramPage(const CommandInfo& program) {
  std::string text = Header(program) + ".SH SYNOPSIS\n" + Synopsis(program);
  text += ".SH DESCRIPTION\n" + EscapeRoff(program.description) +
          "\nEach command has a page of its own.\n.SH COMMANDS\n";
  for (const CommandInfo& command : program.commands) {
    text +=
        ".TP\n" + PageReference(PageName(command)) + "\n" + EscapeRoff(command.description) + "\n";
  }
  text += OptionTexts(program, ".SH OPTIONS\n") + FooterText(program);
  text +=
      ".SH EXIT STATUS\n"
      ".TP\n0\nDone.\n"
      ".TP\n1\nThe work failed: a full disk, no memory, a training that diverged.\n"
      ".TP\n2\nWrong usage, config or input.\n"
      ".TP\n128+n\nA training was stopped by signal n, after a checkpoint was written.\n"
      ".SH ENVIRONMENT\n";
  text += ".TP\n" + Bold("WAVEMT_DATA") +
          "\nThe folder that ${WAVEMT_DATA} stands for in paths of a config.\n";
  text += ".TP\n" + Bold("WAVEMT_PYTHON") + "\nThe Python that " + Bold("wavemt export") +
          " runs for CTranslate2.\n";
  text += ".TP\n" + Bold("NO_COLOR") + "\nIf it is set, messages have no colours.\n";
  text += ".SH SEE ALSO\n";
  for (const CommandInfo& command : program.commands) {
    const bool is_last = &command == &program.commands.back();
    text += PageReference(PageName(command)) + (is_last ? "\n" : ",\n");
  }
  return text;
}

std::string CommandPage(const CommandInfo& command) {
  std::string text = Header(command) + ".SH SYNOPSIS\n" + Synopsis(command);
  text += ".SH DESCRIPTION\n" + EscapeRoff(command.description) + "\n";
  text += ArgumentTexts(command) + OptionTexts(command, ".SH OPTIONS\n");
  if (!command.commands.empty()) {
    text += ".SH COMMANDS\n";
    for (const CommandInfo* below : AllCommands(command)) {
      if (below != &command) text += BelowText(*below);
    }
  }
  return text + FooterText(command) + ".SH SEE ALSO\n" + PageReference("wavemt") + "\n";
}

}  // namespace wavemt
