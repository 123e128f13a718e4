
# The past: how long it takes to answer, how large it is.
sonde_program(bench_history tests/bench/history_year.cpp coordinator_io)
# What is taken in, over the wire and onto the disk (G9, G10).
sonde_program(bench_ingest tests/bench/ingest.cpp coordinator_store io wire)
# The live matrix: memory of a link, and how long its cells take (G11).
sonde_program(bench_matrix tests/bench/matrix_bench.cpp coordinator_core)
