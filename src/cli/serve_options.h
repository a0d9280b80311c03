// What `coretap serve` is told: its options, and what they add up to with the environment and the configuration file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/node_watch.h"
#include "app/own_file.h"
#include "app/settings.h"
#include "cli/session.h"
#include "state/address_lists.h"
#include "web/json_writer.h"
#include "web/server.h"

namespace coretap::cli {

/** Read if there is one, and no other is named. */
inline constexpr const char* DEFAULT_CONFIG{"/etc/coretap/coretap.toml"};

/** The options as they stand on the command line. */
struct ServeOptions {
    SessionOptions session;
    std::string listen;
    std::vector<std::string> hosts;
    std::string token_file;
    bool insecure{false};
    std::string tls_certificate, tls_key;
    std::string rpc{"auto"};
    std::string rpc_user, rpc_password_file, rpc_cookie;
    std::string debug_log{"auto"};
    std::vector<std::string> address_lists;

    ServeOptions();
};
void AddServeOptions(CLI::App& command, ServeOptions& options);
/** What was said on the command line, option by option. */
app::Settings SaidOn(const CLI::App& command);

/** What is in force, and what follows from it. */
struct ServeSetup {
    std::string config_file; //!< empty: none
    app::Config config;
    app::Settings settings;
    ServeOptions options;
    web::ServerOptions server; //!< all but its callbacks
    app::NodeWatchOptions watch;
    std::shared_ptr<const state::AddressLists> lists;
    bool asks_nodes{false};                 //!< at the start; who opens nodes' files is there then, or never
    std::vector<std::string> needs_restart; //!< of a reload: what was said anew and cannot change while coretap runs

    /** The files that were read for it, or would be if they were there. */
    std::vector<std::string> OwnFiles() const;
};

/**
 * Read the configuration file and all files that are named, and check what can be checked without tracing. With `running` it is a reload: what
 * cannot change stays as it is there. Says what is wrong, and where it was said.
 */
util::Result<ServeSetup> ReadServeSetup(const app::Settings& command_line, const app::OpenOwn& open, const ServeSetup* running = nullptr);

/** What a session of the daemon needs. */
SessionNeeds ServeNeeds(const ServeSetup& setup);

/** The members `file` and `settings`: each with its value, who said it, and where. No secrets: of files, where they are. */
void WriteSettings(web::JsonWriter& json, const ServeSetup& setup);

} // namespace coretap::cli
