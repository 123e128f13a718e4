#include "coordinator/cli/commands.h"

int main(int argc, char** argv) { return sonde::cli::run(argc, argv); }
