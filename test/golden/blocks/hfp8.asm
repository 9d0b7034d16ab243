b0:
  sync_start unit=simd, buf=exec, group=0, count=30
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=64
  st_config_base_loop_iter ns=ibuf, loop=0, count_minus_1=1
  st_config_base_loop_stride half=low, ns=ibuf, loop=0, imm=100
  st_config_tile_addr ns=ibuf, imm=0
  st_start ns=ibuf, bits_minus_1=7, bytes=32
  ld_config_base_addr half=low, ns=vmem1, imm=18560
  ld_config_base_addr half=high, ns=vmem1, imm=1
  ld_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=1
  ld_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=2048
  ld_config_tile_addr ns=vmem1, imm=0
  ld_start ns=vmem1, bits_minus_1=7, bytes=2048
  iter_base_signext ns=vmem1, ix=0, imm=0
  iter_stride_signext ns=vmem1, ix=0, imm=1
  imm_signext slot=0, imm=5
  iter_base_signext ns=ibuf, ix=0, imm=11
  iter_stride_signext ns=ibuf, ix=0, imm=1
  imm_signext slot=1, imm=11
  iter_stride_signext ns=vmem1, ix=1, imm=8
  iter_stride_signext ns=ibuf, ix=1, imm=10
  set_iter loop=0, count=8
  set_index dst=vmem1[1], src1=vmem1[1], src2=imm[0]
  set_index dst=ibuf[1], src1=vmem1[1], src2=imm[1]
  set_iter loop=1, count=8
  set_index dst=vmem1[0], src1=vmem1[0], src2=imm[0]
  set_index dst=ibuf[0], src1=vmem1[0], src2=imm[1]
  set_inst nested=1, count=2
  cast_fxp32_fp16 dst=vmem1[0], src1=vmem1[0], src2=imm[0]
  cast_fp16_fp8 dst=ibuf[0], src1=vmem1[0], src2=imm[0]
  sync_end unit=simd, buf=exec, group=0
  block_end last=0
b1:
  sync_start unit=systolic, buf=exec, group=1, count=36
  format chunk_log2=6, bias=11, w=hfp8, a=hfp8
  format_weight_bias bias=14
  sa_loop loop=0, count_minus_1=3
  sa_loop loop=9, count_minus_1=1
  sa_loop loop=10, count_minus_1=2
  sa_loop loop=11, count_minus_1=2
  sa_loop loop=12, count_minus_1=1
  sa_loop loop=13, count_minus_1=7
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=18
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=9
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=3
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=8
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=16
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=16
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=100
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=10
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=10
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=0, imm=20
  sa_set_base_addr half=low, buffer=wbuf, imm=0
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=14, imm=0
  sa_ld buffer=wbuf, loop=14, bytes=18
  sa_set_base_addr half=low, buffer=bbuf, imm=18432
  sa_set_base_addr half=high, buffer=bbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=bbuf, loop=15, imm=0
  sa_ld buffer=bbuf, loop=15, bytes=4
  sync_end unit=systolic, buf=exec, group=1
  sync_start unit=simd, buf=exec, group=1, count=24
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=16
  iter_base_signext ns=obuf, ix=0, imm=0
  iter_stride_signext ns=obuf, ix=0, imm=1
  imm_signext slot=2, imm=16
  imm_signext slot=3, imm=0
  set_iter loop=0, count=16
  set_index dst=obuf[0], src1=obuf[0], src2=imm[2]
  set_index dst=obuf[0], src1=obuf[0], src2=imm[3]
  set_index dst=obuf[0], src1=obuf[0], src2=imm[2]
  set_index dst=vmem1[0], src1=obuf[0], src2=imm[1]
  set_inst nested=0, count=4
  cast_fp16_fxp32 dst=obuf[0], src1=obuf[0], src2=imm[0]
  max dst=obuf[0], src1=obuf[0], src2=imm[0]
  cast_fxp32_fp16 dst=obuf[0], src1=obuf[0], src2=imm[0]
  cast_fp16_fp8 dst=vmem1[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=1
  st_config_base_addr half=low, ns=vmem1, imm=18560
  st_config_base_addr half=high, ns=vmem1, imm=1
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=3
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=512
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=512
  sync_end unit=simd, buf=exec, group=1
  block_end last=1