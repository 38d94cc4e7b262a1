# The variants that ship, in the order in which lists show them: a header in variants/, and its class.
set(SHADOWWALK_VARIANTS
  kernel/rcu_counter RcuCounter
  kernel/irq_ipi IrqIpi
  kernel/irq_ipi_2012 IrqIpi2012
  kernel/mode_membarrier ModeMembarrier
  kernel/rcu RcuPerPage
  kernel/rcu_batch RcuBatch
  kernel/rcu_expedited RcuExpedited
  kernel/srcu Srcu
  kernel/gus Gus
  epochs/qsbr Qsbr
  epochs/ebr Ebr
  epochs/ebr_amortized EbrAmortized
  epochs/debra Debra
  pointers/hazard Hazard
  pointers/hazard_asym HazardAsym
  pointers/hazard_pop HazardPop
  pointers/hazard_eras HazardEras
  pointers/ibr Ibr
  pointers/hyaline Hyaline
  pointers/refcount RefCount
  optimistic/optimistic Optimistic
  optimistic/nbr Nbr
  locks/mutex Mutex
  locks/rwlock RwLock
  locks/spinlock SpinLock
  controls/leak Leak
  controls/unsafe Unsafe
  negative/irq_ipi_nofence IrqIpiNoFence
  negative/irq_ipi_early_return IrqIpiEarlyReturn
  negative/ebr_nofence EbrNoFence
  negative/hazard_novalidate HazardNoValidate)

# shadowwalk_instantiate_variants(SOURCES_OUT HEADER file NAMESPACE name EACH text [ALL file.cpp.in DECLARE text]):
# sources in which EACH stands for each variant, a few in a file (one would not build in parallel, and in files of their
# own each would read HEADER again); and one made of ALL, with @VARIANT_DECLARATIONS@, DECLARE for each, and
# @VARIANT_FUNCTIONS@, of_CLASS for each. CLASS in the texts is the variant's.
function(shadowwalk_instantiate_variants sources_out)
  cmake_parse_arguments(PARSE_ARGV 1 to "" "HEADER;NAMESPACE;EACH;ALL;DECLARE" "")
  set(variants_in_a_file 4)
  set(left ${SHADOWWALK_VARIANTS})
  set(number 0)
  while(left)
    set(includes "")
    set(definitions "")
    foreach(one RANGE 1 ${variants_in_a_file})
      if(left)
        list(POP_FRONT left header class)
        string(APPEND includes "#include \"variants/${header}.hpp\"\n")
        string(REPLACE CLASS ${class} definition "${to_EACH}")
        string(APPEND definitions "${definition}\n")
        string(REPLACE CLASS ${class} declaration "${to_DECLARE}")
        string(APPEND VARIANT_DECLARATIONS "${declaration}\n")
        list(APPEND functions of_${class})
      endif()
    endforeach()
    set(source ${CMAKE_CURRENT_BINARY_DIR}/variants/${number}.cpp)
    math(EXPR number "${number} + 1")
    file(CONFIGURE OUTPUT ${source} @ONLY
      CONTENT "// Made by cmake/Variants.cmake.\n#include \"${to_HEADER}\"\n${includes}\nnamespace ${to_NAMESPACE} {\n${definitions}}\n")
    list(APPEND sources ${source})
  endwhile()
  if(to_ALL)
    list(JOIN functions ", " VARIANT_FUNCTIONS)
    get_filename_component(all ${to_ALL} NAME_WLE)
    configure_file(${to_ALL} ${CMAKE_CURRENT_BINARY_DIR}/${all} @ONLY)
    list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/${all})
  endif()
  set(${sources_out} ${sources} PARENT_SCOPE)
endfunction()
