#include "app/command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "admin/options.hpp"
#include "app/commands.hpp"
#include "app/daemon.hpp"
#include "app/demo/demo.hpp"
#include "app/version.hpp"
#include "base/text.hpp"
#include "config/host.hpp"
#include "config/json_schema.hpp"
#include "config/pairing.hpp"
#include "config/report.hpp"

namespace tandem::app {

namespace {

constexpr int kWrongUsage = 2;

/// The arguments of every command; CLI11 writes into it.
struct Arguments {
  std::string file = "/etc/tandem/tandem.toml";
  std::string log_format;
  std::string log_level;
  bool json = false;
  std::string seconds;
  NodeAddress node;
  BackendCommand backend;
  std::string instance;
  std::string peer_file;
  bool no_watcher = false;
};

/// What was asked for, once the command line has been read.
using Action = std::function<int()>;

config::Colour colour_for(int fd) {
  return isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr ? config::Colour::yes : config::Colour::no;
}

int check_file(const Arguments& arguments) {
  config::Reading reading = config::read_file(arguments.file, config::this_host());
  if (!arguments.peer_file.empty()) {
    config::compare_with_peer(reading, config::read_file(arguments.peer_file), arguments.peer_file);
  }
  if (arguments.json) {
    std::cout << config::check_json(reading, arguments.file);
  } else if (reading.config) {
    std::cout << config::check_text(reading, arguments.file, colour_for(STDOUT_FILENO));
  } else {
    std::cerr << config::check_text(reading, arguments.file, colour_for(STDERR_FILENO));
  }
  return reading.config ? 0 : 1;
}

int run(const Arguments& arguments) {
  static const std::map<std::string, LogLevel> levels{
      {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}};
  RunOptions options;
  options.config_file = arguments.file;
  if (!arguments.log_format.empty()) {
    options.log_format = arguments.log_format == "json" ? config::LogFormat::json : config::LogFormat::text;
  }
  if (!arguments.log_level.empty()) {
    options.log_level = levels.at(arguments.log_level);
  }
  options.watch = arguments.no_watcher ? Watch::no : Watch::yes;
  return run_daemon(options);
}

int demo(const Arguments& arguments) {
  DemoOptions options;
  if (!arguments.seconds.empty()) {
    options.seconds = std::chrono::seconds(std::stoul(arguments.seconds));
  }
  options.program = "/proc/self/exe";
  return run_demo(options);
}

void add_file(CLI::App& command, Arguments& arguments) {
  command.add_option("-c,--config", arguments.file, "The configuration file")->capture_default_str()->type_name("FILE");
}

void add_node(CLI::App& command, Arguments& arguments) {
  command.add_option("--admin", arguments.node.admin, "Where the node answers: a socket's path or http://HOST:PORT")
      ->envname("TANDEM_ADMIN")
      ->capture_default_str()
      ->type_name("WHERE");
  command.add_option("--token-file", arguments.node.token_file, "The token for commands over http://")
      ->type_name("FILE");
}

void add_serving(CLI::App& app, Arguments& arguments, Action& action) {
  CLI::App* serve = app.add_subcommand("run", "Serve in the foreground until SIGTERM; SIGHUP reloads the file");
  add_file(*serve, arguments);
  serve->add_option("--log-format", arguments.log_format, "text or json; default: the file's")
      ->check(CLI::IsMember({"text", "json"}));
  serve->add_option("--log-level", arguments.log_level, "debug, info, warning or error; default: the file's")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  serve->add_flag("--no-watcher", arguments.no_watcher,
                  "Serve in this one process, for debuggers: nobody gives the addresses away when it crashes");
  serve->callback([&] { action = [&] { return run(arguments); }; });

  CLI::App* check = app.add_subcommand(
      "check", "Validate a file without touching anything; print how long a dead backend, or node, goes unnoticed");
  add_file(*check, arguments);
  check->add_option("--peer", arguments.peer_file, "The other node's file, to see whether the two go together")
      ->type_name("FILE");
  check->add_flag("--json", arguments.json, "For programs");
  check->callback([&] { action = [&] { return check_file(arguments); }; });

  CLI::App* show = app.add_subcommand(
      "demo", "A pair of nodes: kill what is active and the primary, hand over, print what it cost; needs no root");
  show->add_option("--seconds", arguments.seconds, "How long")->check(CLI::Range(12, 3600))->type_name("N");
  show->callback([&] { action = [&] { return demo(arguments); }; });
}

void add_asking(CLI::App& app, Arguments& arguments, Action& action) {
  CLI::App* status = app.add_subcommand("status", "Who is active, who is primary, what is up");
  add_node(*status, arguments);
  status->add_flag("--json", arguments.json, "For programs: everything");
  status->callback([&] {
    action = [&] { return print_status(arguments.node, arguments.json ? StatusFormat::json : StatusFormat::text); };
  });

  CLI::App* top = app.add_subcommand("top", "The same, live");
  add_node(*top, arguments);
  top->callback([&] { action = [&] { return watch_status(arguments.node, std::nullopt); }; });

  CLI::App* reload = app.add_subcommand("reload", "Make the node read its file again, and say what happened");
  add_node(*reload, arguments);
  reload->callback([&] { action = [&] { return order_reload(arguments.node); }; });
}

CLI::App* add_order(CLI::App& app, Arguments& arguments, Action& action, const std::string& verb,
                    const std::string& description) {
  CLI::App* command = app.add_subcommand(verb, description);
  command->add_option("target", arguments.backend.target, "Which backend")->required()->type_name("CLUSTER/BACKEND");
  add_node(*command, arguments);
  command->callback([&, verb] {
    arguments.backend.verb = verb;
    action = [&] { return order_backend(arguments.node, arguments.backend); };
  });
  return command;
}

void add_orders(CLI::App& app, Arguments& arguments, Action& action) {
  CLI::App* drain = add_order(app, arguments, action, "drain", "No new sessions for a backend; open ones go on");
  drain->add_option("--for", arguments.backend.lasts, "How long, like 10m; default: until it is made ready")
      ->type_name("DURATION");
  drain->add_option("--reason", arguments.backend.reason, "Shown in status")->type_name("TEXT");
  add_order(app, arguments, action, "ready", "Take a drain back");
  add_order(app, arguments, action, "promote",
            "Of two backends that both say primary, this one; until the conflict ends");

  CLI::App* handover = app.add_subcommand("handover", "Give the virtual addresses to the peer, now");
  handover->add_option("instance", arguments.instance, "Which [[vrrp]]; default: all that this node is active for")
      ->type_name("INSTANCE");
  add_node(*handover, arguments);
  handover->callback([&] { action = [&] { return order_handover(arguments.node, arguments.instance); }; });
}

/// CLI11 would only say that a command is required.
bool is_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    return false;
  }
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  const std::string_view word = argv[1];
  if (std::find(names.begin(), names.end(), word) != names.end()) {
    return false;
  }
  const std::string_view near = nearest(word, {names.begin(), names.end()});
  std::cerr << "tandem: unknown command \"" << word << '"';
  if (near.empty()) {
    std::cerr << "; there are: " << join(names) << '\n';
  } else {
    std::cerr << "; did you mean \"" << near << "\"?\n";
  }
  return true;
}

int dispatch(int argc, char** argv) {
  CLI::App app("Tandem: a Layer-4 load balancer and health checker", "tandem");
  app.footer(
      "Exit status: 0 done, 1 it could not be done, 2 wrong usage.\n"
      "`tandem COMMAND --help` tells about each command; `tandem demo` shows it at work.");
  app.require_subcommand(1);
  app.set_version_flag("--version", concat("tandem ", version(), " (", revision(), ")"));

  Arguments arguments;
  arguments.node.admin = admin::AdminOptions{}.socket;
  Action action;
  add_serving(app, arguments, action);
  add_asking(app, arguments, action);
  add_orders(app, arguments, action);
  app.add_subcommand("version", "Which version this is")->callback([&] {
    action = [] {
      std::cout << "tandem " << version() << " (" << revision() << ")\n";
      return 0;
    };
  });
  app.add_subcommand("schema", "Print the JSON Schema of the configuration file, for editors")->callback([&] {
    action = [] {
      std::cout << config::json_schema();
      return 0;
    };
  });
  if (is_unknown_command(app, argc, argv)) {
    return kWrongUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  return action();
}

}  // namespace

int run_command_line(int argc, char** argv) {
  try {
    return dispatch(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tandem: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace tandem::app
