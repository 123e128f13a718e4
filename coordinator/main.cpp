#include "coordinator/app.h"

int main(int argc, char** argv) { return sonde::run_coordinator(argc, argv); }
