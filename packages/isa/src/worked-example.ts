/**
 * The published worked example as a complete program: a 2,048-element int32 ADD on 16 lanes. op1 at DRAM 0x10000 goes to
 * VMEM1 rows 0-127, op2 at 0x12000 to VMEM2 rows 0-127, the result is VMEM1 rows 128-255 and goes to 0x14000.
 */
export const WORKED_EXAMPLE = `add2048:
  sync_start unit=simd, buf=exec, group=0, count=37
  ; op1: one run of 8192 bytes of 32-bit elements
  ld_config_base_addr half=low, ns=vmem1, imm=0
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=0
  ld_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=0
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=31, bytes=8192
  ; op2
  ld_config_base_addr half=low, ns=vmem2, imm=0x2000
  ld_config_base_addr half=high, ns=vmem2, imm=1
  ld_config_base_loop_iter ns=vmem2, loop=0, count_minus_1=0
  ld_config_tile_loop_iter ns=vmem2, loop=0, count_minus_1=0
  ld_config_tile_addr ns=vmem2, imm=0
  ld_start ns=vmem2, bits_minus_1=31, bytes=8192
  ; iterators (base, stride)
  iter_base_signext ns=vmem1, ix=0, imm=0
  iter_stride_signext ns=vmem1, ix=0, imm=128
  iter_base_signext ns=vmem1, ix=1, imm=0
  iter_stride_signext ns=vmem1, ix=1, imm=1
  iter_base_signext ns=vmem2, ix=0, imm=0
  iter_stride_signext ns=vmem2, ix=0, imm=128
  iter_base_signext ns=vmem2, ix=1, imm=0
  iter_stride_signext ns=vmem2, ix=1, imm=1
  iter_base_signext ns=vmem1, ix=2, imm=128
  iter_stride_signext ns=vmem1, ix=2, imm=128
  iter_base_signext ns=vmem1, ix=3, imm=128
  iter_stride_signext ns=vmem1, ix=3, imm=1
  ; two levels, a body of one instruction
  set_iter loop=0, count=1
  set_index dst=vmem1[2], src1=vmem1[0], src2=vmem2[0]
  set_iter loop=1, count=128
  set_index dst=vmem1[3], src1=vmem1[1], src2=vmem2[1]
  set_inst nested=1, count=1
  add dst=vmem1[1], src1=vmem1[0], src2=vmem2[0]
  ; the result
  st_config_base_addr half=low, ns=vmem1, imm=0x4000
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=0
  st_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=0
  st_config_tile_addr ns=vmem1, imm=128
  st_start ns=vmem1, bits_minus_1=31, bytes=8192
  sync_end unit=simd, buf=exec, group=0
  block_end last=1
`;
