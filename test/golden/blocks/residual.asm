b0:
  sync_start unit=systolic, buf=exec, group=0, count=56
  sa_loop loop=0, count_minus_1=1
  sa_loop loop=1, count_minus_1=1
  sa_loop loop=2, count_minus_1=1
  sa_loop loop=9, count_minus_1=1
  sa_loop loop=10, count_minus_1=2
  sa_loop loop=11, count_minus_1=2
  sa_loop loop=12, count_minus_1=6
  sa_loop loop=13, count_minus_1=6
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=18
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=9
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=3
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=7
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=49
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=49
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=81
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=9
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=9
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=1
  sa_set_base_addr half=low, buffer=ibuf, imm=36896
  sa_set_base_addr half=high, buffer=ibuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=1, imm=3136
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=2, imm=224
  sa_loop loop=14, count_minus_1=1
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=6272
  sa_set_loop_stride half=low, dir=wr, buffer=ibuf, loop=14, imm=81
  sa_loop loop=15, count_minus_1=8
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=15, imm=448
  sa_set_loop_stride half=low, dir=wr, buffer=ibuf, loop=15, imm=9
  pad_dim target=1, inner=15, has_outer=1, outer=1
  pad_low target=1, imm=1
  pad_high target=1, imm=15
  pad_high_hi target=1, imm=0
  pad_dim target=1, inner=31, has_outer=1, outer=2
  pad_low target=1, imm=1
  pad_high target=1, imm=15
  pad_high_hi target=1, imm=0
  sa_ld buffer=ibuf, loop=15, bytes=9
  sa_set_base_addr half=low, buffer=wbuf, imm=0
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=0, imm=18432
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=16, imm=0
  sa_ld buffer=wbuf, loop=16, bytes=18
  sa_set_base_addr half=low, buffer=bbuf, imm=36864
  sa_set_base_addr half=high, buffer=bbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=bbuf, loop=0, imm=128
  sa_set_loop_stride half=low, dir=ld, buffer=bbuf, loop=17, imm=0
  sa_ld buffer=bbuf, loop=17, bytes=4
  sync_end unit=systolic, buf=exec, group=0
  sync_start unit=simd, buf=exec, group=0, count=59
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=50
  window_base ns=vmem2, imm=0
  window_rows ns=vmem2, imm=49
  ld_config_base_addr half=low, ns=vmem1, imm=37120
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=128
  ld_config_base_loop_iter ns=vmem1, loop=1, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=1, imm=0
  ld_config_base_loop_iter ns=vmem1, loop=2, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=2, imm=0
  ld_config_tile_addr ns=vmem1, imm=49
  ld_start ns=vmem1, bits_minus_1=31, bytes=128
  ld_config_base_addr half=low, ns=vmem1, imm=37376
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=6272
  ld_config_base_loop_iter ns=vmem1, loop=1, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=1, imm=3136
  ld_config_base_loop_iter ns=vmem1, loop=2, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=2, imm=224
  ld_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=6
  ld_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=448
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=7, bytes=224
  config_fxp32 dst_bits=31, src1_bits=1, src2_bits=31
  iter_base_signext ns=obuf, ix=0, imm=0
  iter_stride_signext ns=obuf, ix=0, imm=1
  iter_base_signext ns=vmem1, ix=0, imm=49
  iter_stride_signext ns=vmem1, ix=0, imm=0
  iter_base_signext ns=vmem1, ix=1, imm=0
  iter_stride_signext ns=vmem1, ix=1, imm=1
  imm_signext slot=0, imm=96
  iter_base_signext ns=vmem2, ix=0, imm=0
  iter_stride_signext ns=vmem2, ix=0, imm=1
  imm_signext slot=1, imm=8
  set_iter loop=0, count=49
  set_index dst=obuf[0], src1=obuf[0], src2=vmem1[0]
  set_index dst=obuf[0], src1=vmem1[1], src2=imm[0]
  set_index dst=vmem2[0], src1=obuf[0], src2=imm[1]
  set_inst nested=0, count=3
  mul dst=obuf[0], src1=obuf[0], src2=vmem1[0]
  macc dst=obuf[0], src1=vmem1[0], src2=imm[0]
  cast_fxp32_fxp8 dst=vmem2[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=0
  st_config_base_addr half=low, ns=vmem2, imm=49920
  st_config_base_addr half=high, ns=vmem2, imm=1
  st_config_base_loop_iter ns=vmem2, loop=0, count_minus_1=1
  st_config_base_loop_stride half=low, ns=vmem2, loop=0, imm=6272
  st_config_base_loop_iter ns=vmem2, loop=1, count_minus_1=1
  st_config_base_loop_stride half=low, ns=vmem2, loop=1, imm=3136
  st_config_base_loop_iter ns=vmem2, loop=2, count_minus_1=1
  st_config_base_loop_stride half=low, ns=vmem2, loop=2, imm=224
  st_config_tile_loop_iter ns=vmem2, loop=0, count_minus_1=6
  st_config_tile_loop_stride half=low, ns=vmem2, loop=0, imm=448
  st_config_tile_addr ns=vmem2, imm=0
  st_start ns=vmem2, bits_minus_1=7, bytes=224
  sync_end unit=simd, buf=exec, group=0
  block_end last=1