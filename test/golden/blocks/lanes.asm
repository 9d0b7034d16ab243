b0:
  sync_start unit=simd, buf=exec, group=0, count=91
  ld_config_base_addr half=low, ns=vmem1, imm=3200
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_tile_addr ns=vmem1, imm=32
  ld_start ns=vmem1, bits_minus_1=7, bytes=768
  ld_config_base_addr half=low, ns=vmem2, imm=0
  ld_config_base_addr half=high, ns=vmem2, imm=1
  ld_config_tile_addr ns=vmem2, imm=12
  ld_start ns=vmem2, bits_minus_1=31, bytes=128
  iter_base_signext ns=vmem1, ix=0, imm=33
  iter_stride_signext ns=vmem1, ix=0, imm=2
  set_imm_low slot=0, imm=0
  set_imm_high slot=0, imm=32768
  iter_base_signext ns=vmem2, ix=0, imm=12
  iter_stride_signext ns=vmem2, ix=0, imm=0
  set_iter loop=0, count=12
  set_index dst=vmem1[0], src1=imm[0], src2=vmem2[0]
  set_inst nested=0, count=1
  cond_move_false dst=vmem1[0], src1=imm[0], src2=vmem2[0]
  iter_base_signext ns=vmem2, ix=1, imm=0
  iter_stride_signext ns=vmem2, ix=1, imm=1
  iter_base_signext ns=vmem1, ix=1, imm=32
  iter_stride_signext ns=vmem1, ix=1, imm=2
  set_iter loop=0, count=12
  set_index dst=vmem2[1], src1=vmem1[1], src2=obuf[0]
  set_inst nested=0, count=1
  move dst=vmem2[0], src1=vmem1[0], src2=obuf[0]
  set_iter loop=0, count=12
  set_index dst=vmem2[1], src1=vmem2[1], src2=vmem1[0]
  set_inst nested=0, count=1
  max dst=vmem2[0], src1=vmem2[0], src2=vmem1[0]
  perm_set_base_addr side=read, imm=0
  perm_set_base_addr_high side=read, imm=0
  perm_set_loop_iter side=read, dim=0, count_minus_1=31
  perm_set_loop_stride side=read, dim=0, imm=1
  perm_set_loop_stride_high side=read, dim=0, imm=0
  perm_set_loop_iter side=read, dim=1, count_minus_1=11
  perm_set_loop_stride side=read, dim=1, imm=32
  perm_set_loop_stride_high side=read, dim=1, imm=0
  perm_set_base_addr side=write, imm=0
  perm_set_base_addr_high side=write, imm=0
  perm_set_loop_iter side=write, dim=0, count_minus_1=31
  perm_set_loop_stride side=write, dim=0, imm=32
  perm_set_loop_stride_high side=write, dim=0, imm=0
  perm_set_loop_iter side=write, dim=1, count_minus_1=11
  perm_set_loop_stride side=write, dim=1, imm=1
  perm_set_loop_stride_high side=write, dim=1, imm=0
  perm_start dst_ns=vmem1, src1_ns=vmem2, shuffle=1
  iter_base_signext ns=vmem1, ix=2, imm=0
  iter_stride_signext ns=vmem1, ix=2, imm=0
  set_iter loop=0, count=1
  set_index dst=vmem2[0], src1=vmem1[2], src2=obuf[0]
  set_inst nested=0, count=1
  move dst=vmem2[0], src1=vmem1[0], src2=obuf[0]
  iter_base_signext ns=vmem1, ix=3, imm=1
  iter_stride_signext ns=vmem1, ix=3, imm=1
  set_iter loop=0, count=31
  set_index dst=vmem2[0], src1=vmem2[0], src2=vmem1[3]
  set_inst nested=0, count=1
  max dst=vmem2[0], src1=vmem2[0], src2=vmem1[0]
  perm_set_base_addr side=read, imm=384
  perm_set_base_addr_high side=read, imm=0
  perm_set_loop_iter side=read, dim=0, count_minus_1=11
  perm_set_loop_stride side=read, dim=0, imm=1
  perm_set_loop_stride_high side=read, dim=0, imm=0
  perm_set_loop_iter side=read, dim=1, count_minus_1=31
  perm_set_loop_stride side=read, dim=1, imm=0
  perm_set_loop_stride_high side=read, dim=1, imm=0
  perm_set_base_addr side=write, imm=0
  perm_set_base_addr_high side=write, imm=0
  perm_set_loop_iter side=write, dim=0, count_minus_1=11
  perm_set_loop_stride side=write, dim=0, imm=32
  perm_set_loop_stride_high side=write, dim=0, imm=0
  perm_set_loop_iter side=write, dim=1, count_minus_1=31
  perm_set_loop_stride side=write, dim=1, imm=1
  perm_set_loop_stride_high side=write, dim=1, imm=0
  perm_start dst_ns=vmem2, src1_ns=vmem2, shuffle=1
  iter_base_signext ns=vmem1, ix=4, imm=32
  iter_stride_signext ns=vmem1, ix=4, imm=1
  iter_base_signext ns=vmem2, ix=2, imm=0
  iter_stride_signext ns=vmem2, ix=2, imm=0
  set_iter loop=0, count=12
  set_index dst=vmem1[1], src1=vmem1[0], src2=vmem2[1]
  set_iter loop=1, count=2
  set_index dst=vmem1[4], src1=vmem1[4], src2=vmem2[2]
  set_inst nested=1, count=1
  sub dst=vmem1[0], src1=vmem1[0], src2=vmem2[0]
  st_config_base_addr half=low, ns=vmem1, imm=128
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_tile_addr ns=vmem1, imm=32
  st_start ns=vmem1, bits_minus_1=31, bytes=3072
  sync_end unit=simd, buf=exec, group=0
  block_end last=1