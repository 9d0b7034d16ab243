b0:
  sync_start unit=simd, buf=exec, group=0, count=83
  ld_config_base_addr half=low, ns=vmem2, imm=3200
  ld_config_base_addr half=high, ns=vmem2, imm=1
  ld_config_tile_addr ns=vmem2, imm=0
  ld_start ns=vmem2, bits_minus_1=7, bytes=768
  ld_config_base_addr half=low, ns=vmem2, imm=0
  ld_config_base_addr half=high, ns=vmem2, imm=1
  ld_config_tile_addr ns=vmem2, imm=24
  ld_start ns=vmem2, bits_minus_1=31, bytes=128
  iter_base_signext ns=vmem2, ix=0, imm=1
  iter_stride_signext ns=vmem2, ix=0, imm=2
  set_imm_low slot=0, imm=0
  set_imm_high slot=0, imm=32768
  iter_base_signext ns=vmem2, ix=1, imm=24
  iter_stride_signext ns=vmem2, ix=1, imm=0
  set_iter loop=0, count=12
  set_index dst=vmem2[0], src1=imm[0], src2=vmem2[1]
  set_inst nested=0, count=1
  cond_move_false dst=vmem2[0], src1=imm[0], src2=vmem2[0]
  iter_base_signext ns=vmem1, ix=0, imm=32
  iter_stride_signext ns=vmem1, ix=0, imm=1
  iter_base_signext ns=vmem2, ix=2, imm=0
  iter_stride_signext ns=vmem2, ix=2, imm=2
  set_iter loop=0, count=12
  set_index dst=vmem1[0], src1=vmem2[2], src2=obuf[0]
  set_inst nested=0, count=1
  move dst=vmem1[0], src1=vmem2[0], src2=obuf[0]
  set_iter loop=0, count=12
  set_index dst=vmem1[0], src1=vmem1[0], src2=vmem2[0]
  set_inst nested=0, count=1
  max dst=vmem1[0], src1=vmem1[0], src2=vmem2[0]
  perm_set_base_addr side=read, imm=1024
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
  perm_start dst_ns=vmem1, src1_ns=vmem1, shuffle=1
  iter_base_signext ns=vmem2, ix=3, imm=12
  iter_stride_signext ns=vmem2, ix=3, imm=0
  iter_base_signext ns=vmem1, ix=1, imm=0
  iter_stride_signext ns=vmem1, ix=1, imm=0
  set_iter loop=0, count=1
  set_index dst=vmem2[3], src1=vmem1[1], src2=obuf[0]
  set_inst nested=0, count=1
  move dst=vmem2[0], src1=vmem1[0], src2=obuf[0]
  iter_base_signext ns=vmem1, ix=2, imm=1
  iter_stride_signext ns=vmem1, ix=2, imm=1
  set_iter loop=0, count=31
  set_index dst=vmem2[3], src1=vmem2[3], src2=vmem1[2]
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
  st_config_base_addr half=low, ns=vmem2, imm=128
  st_config_base_addr half=high, ns=vmem2, imm=1
  st_config_tile_addr ns=vmem2, imm=0
  st_start ns=vmem2, bits_minus_1=7, bytes=384
  sync_end unit=simd, buf=exec, group=0
  block_end last=0
b1:
  sync_start unit=simd, buf=exec, group=1, count=30
  ld_config_base_addr half=low, ns=vmem1, imm=128
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=11
  ld_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=32
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=7, bytes=1
  perm_set_base_addr side=read, imm=0
  perm_set_base_addr_high side=read, imm=0
  perm_set_loop_iter side=read, dim=0, count_minus_1=11
  perm_set_loop_stride side=read, dim=0, imm=32
  perm_set_loop_stride_high side=read, dim=0, imm=0
  perm_set_loop_iter side=read, dim=1, count_minus_1=39
  perm_set_loop_stride side=read, dim=1, imm=0
  perm_set_loop_stride_high side=read, dim=1, imm=0
  perm_set_base_addr side=write, imm=0
  perm_set_base_addr_high side=write, imm=0
  perm_set_loop_iter side=write, dim=0, count_minus_1=11
  perm_set_loop_stride side=write, dim=0, imm=64
  perm_set_loop_stride_high side=write, dim=0, imm=0
  perm_set_loop_iter side=write, dim=1, count_minus_1=39
  perm_set_loop_stride side=write, dim=1, imm=1
  perm_set_loop_stride_high side=write, dim=1, imm=0
  perm_start dst_ns=vmem2, src1_ns=vmem1, shuffle=1
  st_config_base_addr half=low, ns=vmem2, imm=3968
  st_config_base_addr half=high, ns=vmem2, imm=1
  st_config_tile_loop_iter ns=vmem2, loop=0, count_minus_1=11
  st_config_tile_loop_stride half=low, ns=vmem2, loop=0, imm=64
  st_config_tile_addr ns=vmem2, imm=0
  st_start ns=vmem2, bits_minus_1=7, bytes=40
  sync_end unit=simd, buf=exec, group=1
  block_end last=0
b2:
  sync_start unit=simd, buf=exec, group=2, count=21
  ld_config_base_addr half=low, ns=vmem1, imm=3200
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=7, bytes=768
  ld_config_base_addr half=low, ns=vmem2, imm=3968
  ld_config_base_addr half=high, ns=vmem2, imm=1
  ld_config_tile_addr ns=vmem2, imm=0
  ld_start ns=vmem2, bits_minus_1=7, bytes=768
  iter_base_signext ns=vmem1, ix=0, imm=0
  iter_stride_signext ns=vmem1, ix=0, imm=1
  iter_base_signext ns=vmem2, ix=0, imm=0
  iter_stride_signext ns=vmem2, ix=0, imm=1
  set_iter loop=0, count=24
  set_index dst=vmem1[0], src1=vmem1[0], src2=vmem2[0]
  set_inst nested=0, count=1
  sub dst=vmem1[0], src1=vmem1[0], src2=vmem2[0]
  st_config_base_addr half=low, ns=vmem1, imm=128
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=31, bytes=3072
  sync_end unit=simd, buf=exec, group=2
  block_end last=1