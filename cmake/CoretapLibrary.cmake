# One folder = one library = one namespace. DEPENDS names other coretap folders (the include table in
# tests/include_table.py checks that the sources agree); LINKS names outside libraries.
function(coretap_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINKS" ${ARGN})
  string(REPLACE "/" "_" target coretap_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  foreach(dep IN LISTS ARG_DEPENDS)
    string(REPLACE "/" "_" dep_target coretap_${dep})
    target_link_libraries(${target} PUBLIC ${dep_target})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_LINKS})
endfunction()
