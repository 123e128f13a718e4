# Causes of incidents: seeded faults in a simulated mesh, through the coordinator's own rules.
sonde_program(bench_incidents tests/bench/incidents.cpp coordinator_core)
target_sources(bench_incidents PRIVATE ${PROJECT_SOURCE_DIR}/tests/sim/mesh/incident_scenario.cpp)
