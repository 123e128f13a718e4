#include "agent/app.h"

int main(int argc, char** argv) { return sonde::run_agent(argc, argv); }
