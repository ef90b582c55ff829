#include "commands/command_tree.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "commands/config_keys.h"
#include "commands/shared_options.h"

namespace wavemt {
namespace {

// What CLI11 calls a value that a program reads as text.
constexpr std::string_view kAnyText = "TEXT";

// The members of a set as CLI11 shows it, "{text,json}" or "{torch->2,huggingface->0}", which a
// validator may have added to the name of the type. Members with a capital letter stand for others,
// as N does in cuda:N.
std::vector<std::string> MembersOf(std::string_view type) {
  std::vector<std::string> members;
  const size_t begin = type.find('{');
  const size_t end = type.find('}');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return members;
  }
  std::string_view rest = type.substr(begin + 1, end - begin - 1);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view member = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    member = member.substr(0, member.find("->"));
    const bool is_placeholder =
        std::ranges::any_of(member, [](unsigned char c) { return std::isupper(c) != 0; });
    if (!member.empty() && !is_placeholder) members.emplace_back(member);
  }
  return members;
}

// "FILE" of "FILE:..."; sets that a validator adds to "TEXT" as "{text,json}".
std::string ValueName(const std::string& type) {
  if (type.starts_with('{')) return type;
  std::string name = type.substr(0, type.find(':'));
  const std::vector<std::string> members = MembersOf(type);
  if (members.empty()) return name;
  std::string set;
  for (const std::string& member : members) set += (set.empty() ? "{" : ",") + member;
  return set + "}";
}

void DescribeValue(const CLI::Option& option, OptionInfo* info) {
  const std::string type = option.get_type_name();
  info->value_name = ValueName(type);
  info->choices = MembersOf(type);
  if (type == "BOOLEAN") info->choices = {"true", "false"};
  const std::string_view key = KeyOfOption(option.get_name());
  // Few options are short for a key, and the schema that knows its values takes a moment.
  if (info->choices.empty() && !key.empty()) info->choices = ValuesOfConfigKey(key);
  if (!info->choices.empty()) {
    info->kind = ValueKind::kChoice;
  } else if (info->value_name == "KEY=VALUE") {
    info->kind = ValueKind::kConfigKey;
  } else if (info->value_name == "DIR") {
    info->kind = ValueKind::kFolder;
  } else if (info->value_name == kAnyText || info->value_name == "FILE") {
    info->kind = ValueKind::kFile;
  }
}

OptionInfo DescribeOption(const CLI::Option& option) {
  OptionInfo info = {
      .default_value = option.get_default_str(),
      .description = option.get_description(),
      .group = option.get_group(),
      .most_values = static_cast<size_t>(std::max(option.get_items_expected_max(), 0)),
      .is_required = option.get_required()};
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  if (info.names.empty()) info.names.push_back(option.get_name(/*positional=*/true));
  info.is_repeatable =
      info.most_values > 1 || option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  if (info.most_values > 0) DescribeValue(option, &info);
  return info;
}

CommandInfo DescribeCommand(const CLI::App& app, const std::string& path) {
  CommandInfo info = {
      .path = path, .description = app.get_description(), .footer = app.get_footer()};
  const auto is_shown = [](const CLI::Option* option) { return !option->get_group().empty(); };
  for (const CLI::Option* option : app.get_options(is_shown)) {
    (option->nonpositional() ? info.options : info.arguments).push_back(DescribeOption(*option));
  }
  const auto has_name = [](const CLI::App* command) {
    return !command->get_name().empty() && !command->get_group().empty();
  };
  for (const CLI::App* command : app.get_subcommands(has_name)) {
    info.commands.push_back(DescribeCommand(
        *command, path.empty() ? command->get_name() : path + " " + command->get_name()));
  }
  return info;
}

void AddAllCommands(const CommandInfo& command, std::vector<const CommandInfo*>* all) {
  all->push_back(&command);
  for (const CommandInfo& below : command.commands) AddAllCommands(below, all);
}

}  // namespace

CommandInfo DescribeCommands(const CLI::App& app) { return DescribeCommand(app, ""); }

std::vector<const CommandInfo*> AllCommands(const CommandInfo& command) {
  std::vector<const CommandInfo*> all;
  AddAllCommands(command, &all);
  return all;
}

std::string FirstSentence(const std::string& description) {
  std::string sentence = description.substr(0, description.find(". "));
  sentence = sentence.substr(0, sentence.find('\n'));
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

}  // namespace wavemt
