#pragma once

namespace tandem::app {

/// The whole program: reads the arguments, does what they say. Returns the exit status: 0 done, 1 it could not be done
/// (the reason is on stderr), 2 wrong usage.
int run_command_line(int argc, char** argv);

}  // namespace tandem::app
