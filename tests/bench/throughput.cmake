# Goal G7's grid: Sonde's transfer engine over shaped links.
sonde_program(bench_throughput_grid tests/bench/throughput_grid.cpp agent_io lab dep_json)
target_sources(bench_throughput_grid PRIVATE grid_points.cpp shaped_link.cpp transfer_rig.cpp)
add_dependencies(bench_throughput_grid sonde-wan)
