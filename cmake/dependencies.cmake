# Every library that Sonde uses, each under one name. All are Debian packages (see the list in ./dev).
include_guard()
find_package(PkgConfig REQUIRED)

# sonde_dependency(NAME PKG_CONFIG_MODULES...): an imported target sonde::NAME, its headers as system headers.
function(sonde_dependency name)
  pkg_check_modules(dep_${name} REQUIRED IMPORTED_TARGET ${ARGN})
  add_library(sonde_dep_${name} INTERFACE)
  target_link_libraries(sonde_dep_${name} INTERFACE PkgConfig::dep_${name})
  add_library(sonde::${name} ALIAS sonde_dep_${name})
endfunction()

sonde_dependency(zmq libzmq)
sonde_dependency(yaml yaml-cpp)
sonde_dependency(sqlite sqlite3)
sonde_dependency(sodium libsodium)
sonde_dependency(zstd libzstd)
sonde_dependency(curl libcurl)
sonde_dependency(systemd libsystemd)

find_package(spdlog REQUIRED)
add_library(sonde_dep_spdlog INTERFACE)
target_link_libraries(sonde_dep_spdlog INTERFACE spdlog::spdlog)
add_library(sonde::spdlog ALIAS sonde_dep_spdlog)

# fmt belongs to the vocabulary: strings are made with it everywhere.
find_package(fmt REQUIRED)
target_link_libraries(sonde_flags INTERFACE fmt::fmt)

find_package(Boost 1.74 REQUIRED)
add_library(sonde_dep_asio INTERFACE)
target_link_libraries(sonde_dep_asio INTERFACE Boost::headers)
target_compile_definitions(sonde_dep_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_CONCEPTS)
add_library(sonde::asio ALIAS sonde_dep_asio)

# Header-only libraries without a pkg-config file of the same name on every distribution.
foreach(header msgpack:msgpack.hpp json:nlohmann/json.hpp cli11:CLI/CLI.hpp)
  string(REPLACE ":" ";" pair ${header})
  list(GET pair 0 name)
  list(GET pair 1 file)
  find_path(SONDE_${name}_INCLUDE ${file} REQUIRED)
  add_library(sonde_dep_${name} INTERFACE)
  target_include_directories(sonde_dep_${name} SYSTEM INTERFACE ${SONDE_${name}_INCLUDE})
  add_library(sonde::${name} ALIAS sonde_dep_${name})
endforeach()
target_compile_definitions(sonde_dep_msgpack INTERFACE MSGPACK_NO_BOOST)
