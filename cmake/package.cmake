# What is installed where, and the three Debian packages made of it (`./dev package`). One component is one package.
include_guard()
include(GNUInstallDirs)

set(CPACK_PACKAGE_CONTACT "Sonde maintainers <maintainers@sonde.invalid>")
set(doc ${CMAKE_INSTALL_DATAROOTDIR}/doc)
set(from ${PROJECT_SOURCE_DIR}/cmake/package)

# sonde_man(COMPONENT FILE): a manual page with the version in it, compressed as Debian wants it
function(sonde_man component file)
  string(REGEX REPLACE ".*\\." "" section ${file})
  configure_file(${PROJECT_SOURCE_DIR}/docs/man/${file} ${PROJECT_BINARY_DIR}/package/man/${file} @ONLY)
  set(gz ${PROJECT_BINARY_DIR}/package/man/${file}.gz)
  execute_process(COMMAND gzip -9nc ${PROJECT_BINARY_DIR}/package/man/${file} OUTPUT_FILE ${gz} COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${gz} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endfunction()

# sonde_docs(COMPONENT PACKAGE): what every package has in /usr/share/doc
string(TIMESTAMP package_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
function(sonde_docs component package)
  set(out ${PROJECT_BINARY_DIR}/package/${package})
  file(MAKE_DIRECTORY ${out})
  file(WRITE ${out}/changelog "${package} (${PROJECT_VERSION}) unstable; urgency=medium\n\n"
                              "  * What changed: /usr/share/doc/${package}/NEWS.gz\n\n -- ${CPACK_PACKAGE_CONTACT}  ${package_date}\n")
  execute_process(COMMAND gzip -9nc ${out}/changelog OUTPUT_FILE ${out}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND gzip -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md OUTPUT_FILE ${out}/NEWS.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${out}/changelog.gz ${out}/NEWS.gz DESTINATION ${doc}/${package} COMPONENT ${component})
  install(FILES ${from}/copyright DESTINATION ${doc}/${package} COMPONENT ${component})
endfunction()

# sonde_unit(FILE OUT): the unit. Restarts wait longer each time, from 5 s to 1 min: by systemd's own means from 254 on, and by
# sleeping before the start where the distribution's systemd is older.
function(sonde_unit file out)
  file(READ ${file} unit)
  pkg_check_modules(SONDE_SYSTEMD libsystemd)
  if(SONDE_SYSTEMD_VERSION VERSION_GREATER_EQUAL 254)
    string(REPLACE "RestartSec=5s\n" "RestartSec=5s\nRestartSteps=5\nRestartMaxDelaySec=1min\n" unit "${unit}")
  else()
    set(pause "n=$$(systemctl show -P NRestarts %n); [ $$n -le 12 ] || n=12; [ $$n -lt 2 ] || sleep $$((n * 5 - 5))")
    string(REPLACE "ExecStart=" "ExecStartPre=-+/bin/sh -c '${pause}'\nExecStart=" unit "${unit}")
  endif()
  file(CONFIGURE OUTPUT ${out} CONTENT "${unit}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

# sonde_daemon(COMPONENT): program, unit, configuration, manual page and maintainer scripts of one daemon
function(sonde_daemon component)
  set(name sonde-${component})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${component})
  sonde_unit(${PROJECT_SOURCE_DIR}/configs/systemd/${name}.service ${PROJECT_BINARY_DIR}/package/${name}.service)
  install(FILES ${PROJECT_BINARY_DIR}/package/${name}.service DESTINATION lib/systemd/system COMPONENT ${component})
  install(FILES ${from}/${component}.yaml DESTINATION /etc/${name} COMPONENT ${component})
  install(FILES ${PROJECT_SOURCE_DIR}/configs/${component}.yaml DESTINATION ${doc}/${name}/examples COMPONENT ${component})
  sonde_man(${component} ${name}.8)
  sonde_docs(${component} ${name})
  set(PACKAGE ${name})
  foreach(script postinst prerm postrm)
    configure_file(${from}/${script}.in ${PROJECT_BINARY_DIR}/package/${component}/${script} @ONLY
                   FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endforeach()
  file(WRITE ${PROJECT_BINARY_DIR}/package/${component}/conffiles "/etc/${name}/${component}.yaml\n")
endfunction()

sonde_daemon(agent)
sonde_daemon(coordinator)
install(DIRECTORY DESTINATION /etc/sonde-coordinator/agents COMPONENT coordinator)
install(DIRECTORY DESTINATION /etc/sonde-coordinator/tokens COMPONENT coordinator
        DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
install(FILES ${from}/sonde-coordinator.overrides DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides
        RENAME sonde-coordinator COMPONENT coordinator)
install(TARGETS sonde RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
install(FILES ${PROJECT_SOURCE_DIR}/coordinator/cli/completion/sonde.bash
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions RENAME sonde COMPONENT command)
sonde_man(command sonde.1)
sonde_docs(command sonde)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR OFF)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL agent coordinator command)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SECTION net)

foreach(component agent coordinator)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME sonde-${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_RECOMMENDS "systemd (>= 249)")
  set(scripts ${PROJECT_BINARY_DIR}/package/${component})
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm ${scripts}/conffiles)
endforeach()
set(CPACK_DEBIAN_AGENT_PACKAGE_RECOMMENDS "systemd (>= 249), chrony | time-daemon")
set(CPACK_DEBIAN_COORDINATOR_PACKAGE_RECOMMENDS "systemd (>= 249), sonde")
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME sonde)
set(CPACK_COMPONENT_AGENT_DESCRIPTION "probe mesh: measures the way to the other sites
Sends and answers latency probes (STAMP), TCP connects and throughput runs by
the timetable of its coordinator, keeps results on its disk until they are
acknowledged, and goes on while the coordinator is away.")
set(CPACK_COMPONENT_COORDINATOR_DESCRIPTION "probe mesh: timetable, history, matrix and web page
Plans who measures whom and when, so that no two heavy measurements disturb
each other, stores the agents' results, and serves the directional matrix of
latency, loss and throughput as a page, as JSON and as Prometheus metrics.")
set(CPACK_COMPONENT_COMMAND_DESCRIPTION "probe mesh: looks into a mesh from a terminal
Shows the matrix, links, sites, timetable and results of a Sonde mesh through
its coordinator, plans timetables and makes keys.")
include(CPack)
