# Compiles a kernel-side program. Reads nothing of the running kernel: what is built here runs elsewhere.
find_program(CLANG NAMES clang clang-14 REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip llvm-strip-14)

function(coretap_bpf_object source output)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-multiarch OUTPUT_VARIABLE multiarch OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(arch arm64)
  else()
    set(arch x86)
  endif()
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-function -Wno-compare-distinct-pointer-types
            -D__TARGET_ARCH_${arch} -I${CMAKE_SOURCE_DIR} -idirafter /usr/include/${multiarch}
            -MD -MF ${output}.d -c ${source} -o ${output}
    DEPENDS ${source} DEPFILE ${output}.d VERBATIM)
endfunction()
