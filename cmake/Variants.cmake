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
  kernel/srcu_kernel SrcuKernel
  kernel/srcu_kernel_fast SrcuKernelFast
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
# Those of them that only a kernel can have: the module builds them as all others (harness/kernel/module/make-shelf).
set(SHADOWWALK_KERNEL_ONLY_VARIANTS SrcuKernel SrcuKernelFast)

# shadowwalk_instantiate_variants(SOURCES_OUT HEADER file NAMESPACE name ENTRY function): what a room can do with each
# variant. Sources that define of_CLASS(), `function<CLASS>()` of HEADER, for each variant, eight variants per source (one
# source would not build in parallel, and a source per variant would read HEADER each time); and one source with the
# room's `void NAMESPACE::add_shipped_variants(Registry&)`, which registers them all (harness/lab/registry.hpp). With
# EACH "code" in place of ENTRY they have that code for each variant, its class in place of CLASS, and nothing registers.
# Variants that only a kernel can have are left out, or made by KERNEL_ONLY_ENTRY in place of ENTRY.
function(shadowwalk_instantiate_variants sources_out)
  cmake_parse_arguments(PARSE_ARGV 1 to "" "HEADER;NAMESPACE;ENTRY;KERNEL_ONLY_ENTRY;EACH" "")
  if(to_ENTRY)
    set(to_EACH "VariantEntry of_CLASS() { return ENTRY<CLASS>(); }")
  endif()
  set(variants_per_source 8)
  set(number 0)
  set(left "")
  set(all ${SHADOWWALK_VARIANTS})
  while(all)
    list(POP_FRONT all header class)
    if(to_KERNEL_ONLY_ENTRY OR NOT class IN_LIST SHADOWWALK_KERNEL_ONLY_VARIANTS)
      list(APPEND left ${header} ${class})
    endif()
  endwhile()
  while(left)
    set(includes "")
    set(definitions "")
    foreach(one RANGE 1 ${variants_per_source})
      if(left)
        list(POP_FRONT left header class)
        string(APPEND includes "#include \"variants/${header}.hpp\"\n")
        set(entry ${to_ENTRY})
        if(class IN_LIST SHADOWWALK_KERNEL_ONLY_VARIANTS)
          set(entry ${to_KERNEL_ONLY_ENTRY})
        endif()
        string(REPLACE ENTRY "${entry}" definition "${to_EACH}")
        string(REPLACE CLASS ${class} definition "${definition}")
        string(APPEND definitions "${definition}\n")
        string(APPEND VARIANT_DECLARATIONS "VariantEntry of_${class}();\n")
        list(APPEND functions of_${class})
      endif()
    endforeach()
    set(source ${CMAKE_CURRENT_BINARY_DIR}/variants/${number}.cpp)
    math(EXPR number "${number} + 1")
    file(CONFIGURE OUTPUT ${source} @ONLY
      CONTENT "// Made by cmake/Variants.cmake.\n#include \"${to_HEADER}\"\n${includes}\nnamespace ${to_NAMESPACE} {\n${definitions}}\n")
    list(APPEND sources ${source})
  endwhile()
  if(NOT to_ENTRY)
    set(${sources_out} ${sources} PARENT_SCOPE)
    return()
  endif()
  set(NAMESPACE ${to_NAMESPACE})
  list(JOIN functions ", " VARIANT_FUNCTIONS)
  set(all ${CMAKE_CURRENT_BINARY_DIR}/shipped_variants.cpp)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/shipped_variants.cpp.in ${all} @ONLY)
  set(${sources_out} ${sources} ${all} PARENT_SCOPE)
endfunction()
