b0:
  sync_start unit=simd, buf=exec, group=0, count=15
  ld_config_base_addr half=low, ns=vmem1, imm=20480
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=13
  ld_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=448
  ld_config_tile_loop_iter ns=vmem1, loop=1, count_minus_1=13
  ld_config_tile_loop_stride half=low, ns=vmem1, loop=1, imm=32
  ld_config_tile_loop_iter ns=vmem1, loop=2, count_minus_1=1
  ld_config_tile_loop_stride half=low, ns=vmem1, loop=2, imm=6272
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=7, bytes=32
  st_config_base_addr half=low, ns=vmem1, imm=33024
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=3, bytes=6272
  sync_end unit=simd, buf=exec, group=0
  block_end last=0
b1:
  sync_start unit=systolic, buf=exec, group=1, count=49
  format chunk_log2=0, bias=0, w=int4, a=int4
  sa_loop loop=0, count_minus_1=6
  sa_loop loop=8, count_minus_1=1
  sa_loop loop=10, count_minus_1=2
  sa_loop loop=11, count_minus_1=2
  sa_loop loop=12, count_minus_1=1
  sa_loop loop=13, count_minus_1=13
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=18
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=8, imm=9
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=9
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=3
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=2
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=8, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=2
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=28
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=56
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=16
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=16
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=1
  sa_set_base_addr half=low, buffer=ibuf, imm=32544
  sa_set_base_addr half=high, buffer=ibuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=0, imm=896
  sa_loop loop=14, count_minus_1=3
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=448
  sa_set_loop_stride half=low, dir=wr, buffer=ibuf, loop=14, imm=16
  pad_dim target=1, inner=14, has_outer=1, outer=0
  pad_low target=1, imm=1
  pad_high target=1, imm=15
  pad_high_hi target=1, imm=0
  pad_dim target=1, inner=31, has_outer=0, outer=0
  pad_low target=1, imm=1
  pad_high target=1, imm=15
  pad_high_hi target=1, imm=0
  pad_fill target=1, imm=136
  pad_fill_hi target=1, imm=0
  sa_ld buffer=ibuf, loop=14, bytes=16
  sa_set_base_addr half=low, buffer=wbuf, imm=0
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=0
  sa_ld buffer=wbuf, loop=15, bytes=18
  sync_end unit=systolic, buf=exec, group=1
  sync_start unit=simd, buf=exec, group=1, count=36
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=56
  config_fxp32 dst_bits=31, src1_bits=7, src2_bits=31
  iter_base_signext ns=obuf, ix=0, imm=0
  iter_stride_signext ns=obuf, ix=0, imm=1
  set_imm_low slot=0, imm=0
  set_imm_high slot=0, imm=16
  iter_base_signext ns=vmem1, ix=0, imm=0
  iter_stride_signext ns=vmem1, ix=0, imm=1
  imm_signext slot=1, imm=4
  set_iter loop=0, count=56
  set_index dst=obuf[0], src1=obuf[0], src2=imm[0]
  set_index dst=vmem1[0], src1=obuf[0], src2=imm[1]
  set_inst nested=0, count=2
  mul dst=obuf[0], src1=obuf[0], src2=imm[0]
  cast_fxp32_fxp4 dst=vmem1[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=1
  st_config_base_addr half=low, ns=vmem1, imm=20480
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=6
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=896
  st_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=1
  st_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=448
  st_config_tile_loop_iter ns=vmem1, loop=1, count_minus_1=13
  st_config_tile_loop_stride half=low, ns=vmem1, loop=1, imm=32
  st_config_tile_loop_iter ns=vmem1, loop=2, count_minus_1=1
  st_config_tile_loop_stride half=low, ns=vmem1, loop=2, imm=6272
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=32
  st_config_base_addr half=low, ns=vmem1, imm=45568
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=6
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=896
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=3, bytes=896
  sync_end unit=simd, buf=exec, group=1
  block_end last=0
b2:
  sync_start unit=systolic, buf=exec, group=2, count=35
  format chunk_log2=0, bias=0, w=int4, a=int4
  sa_loop loop=0, count_minus_1=1
  sa_loop loop=7, count_minus_1=1
  sa_loop loop=12, count_minus_1=6
  sa_loop loop=13, count_minus_1=13
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=14
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=98
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=196
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=14
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=14
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=1
  sa_set_base_addr half=low, buffer=ibuf, imm=45568
  sa_set_base_addr half=high, buffer=ibuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=0, imm=3136
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=0
  pad_fill target=1, imm=136
  pad_fill_hi target=1, imm=0
  sa_ld buffer=ibuf, loop=14, bytes=98
  sa_set_base_addr half=low, buffer=wbuf, imm=18432
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=0
  sa_ld buffer=wbuf, loop=15, bytes=2
  sync_end unit=systolic, buf=exec, group=2
  sync_start unit=simd, buf=exec, group=2, count=34
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=196
  window_base ns=vmem2, imm=0
  window_rows ns=vmem2, imm=196
  ld_config_base_addr half=low, ns=vmem1, imm=20480
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=3136
  ld_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=1
  ld_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=6272
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=7, bytes=3136
  config_fxp32 dst_bits=31, src1_bits=7, src2_bits=31
  imm_signext slot=2, imm=16
  iter_base_signext ns=vmem2, ix=0, imm=0
  iter_stride_signext ns=vmem2, ix=0, imm=1
  set_iter loop=0, count=196
  set_index dst=obuf[0], src1=obuf[0], src2=imm[0]
  set_index dst=obuf[0], src1=vmem1[0], src2=imm[2]
  set_index dst=vmem2[0], src1=obuf[0], src2=imm[1]
  set_inst nested=0, count=3
  mul dst=obuf[0], src1=obuf[0], src2=imm[0]
  macc dst=obuf[0], src1=vmem1[0], src2=imm[0]
  cast_fxp32_fxp4 dst=vmem2[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=2
  st_config_base_addr half=low, ns=vmem2, imm=33024
  st_config_base_addr half=high, ns=vmem2, imm=1
  st_config_base_loop_iter ns=vmem2, loop=0, count_minus_1=1
  st_config_base_loop_stride half=low, ns=vmem2, loop=0, imm=3136
  st_config_tile_loop_iter ns=vmem2, loop=0, count_minus_1=1
  st_config_tile_loop_stride half=low, ns=vmem2, loop=0, imm=6272
  st_config_tile_addr ns=vmem2, imm=0
  st_start ns=vmem2, bits_minus_1=7, bytes=3136
  sync_end unit=simd, buf=exec, group=2
  block_end last=1