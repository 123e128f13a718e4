# sonde_embed_page(TARGET UI_DIR OUT_DIR): npm ci and the build run in a copy below OUT_DIR, so that nothing is written
# into the source tree; the result is linked in as an object library, whose page_file() wins over a weak default.
function(sonde_embed_page target ui_dir out_dir)
  find_program(SONDE_NODE NAMES node nodejs REQUIRED)
  find_program(SONDE_NPM npm REQUIRED)
  set(work ${out_dir}/work)
  set(files ${out_dir}/files)
  set(stamp ${out_dir}/npm.stamp)
  set(generated ${out_dir}/page_files.cpp)

  add_custom_command(OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${work}
    COMMAND ${CMAKE_COMMAND} -E copy ${ui_dir}/package.json ${ui_dir}/package-lock.json ${work}
    COMMAND ${CMAKE_COMMAND} -E chdir ${work} ${SONDE_NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${ui_dir}/package.json ${ui_dir}/package-lock.json
    COMMENT "Fetching the page's build tools (npm ci)" VERBATIM)

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ui_dir}/src/* ${ui_dir}/static/*)
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${work}/src ${work}/static ${files}
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${ui_dir}/src ${work}/src
    COMMAND ${CMAKE_COMMAND} -E copy_directory ${ui_dir}/static ${work}/static
    COMMAND ${CMAKE_COMMAND} -E copy ${ui_dir}/tsconfig.json ${ui_dir}/build.mjs ${work}
    COMMAND ${CMAKE_COMMAND} -E env SONDE_PAGE_OUT=${files}
            ${CMAKE_COMMAND} -E chdir ${work} ${SONDE_NPM} run --silent build
    COMMAND ${SONDE_NODE} ${ui_dir}/embed.mjs ${files} ${generated}
    DEPENDS ${stamp} ${sources} ${ui_dir}/tsconfig.json ${ui_dir}/build.mjs ${ui_dir}/embed.mjs
    COMMENT "Building the web page" VERBATIM)

  add_library(${target} OBJECT ${generated})
  target_link_libraries(${target} PUBLIC sonde_flags)
endfunction()
