
# The past: how long it takes to answer, how large it is.
sonde_program(bench_history tests/bench/history_year.cpp coordinator_io)
