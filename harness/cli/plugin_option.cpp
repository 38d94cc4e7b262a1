#include "harness/cli/plugin_option.hpp"

#include "harness/plugin/load_plugin.hpp"

namespace shadowwalk::cli {

std::shared_ptr<const std::vector<std::string>> add_plugin_option(CLI::App& verb) {
  auto given = std::make_shared<std::vector<std::string>>();
  verb.add_option_function<std::vector<std::string>>(
          "--plugin",
          [given](const std::vector<std::string>& files) {
            for (const std::string& file : files) plugin::load_plugin(file);
            *given = files;
          },
          "A module with variants of your own, beside those that ship; may be given several times "
          "(docs/writing-a-variant.md)")
      ->type_name("FILE.so")
      ->allow_extra_args(false);
  return given;
}

std::string plugin_arguments(const std::vector<std::string>& files) {
  std::string arguments;
  for (const std::string& file : files) arguments += " --plugin " + file;
  return arguments;
}

}  // namespace shadowwalk::cli
