b0:
  sync_start unit=systolic, buf=exec, group=0, count=31
  sa_loop loop=0, count_minus_1=3
  sa_loop loop=9, count_minus_1=3
  sa_loop loop=13, count_minus_1=63
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=64
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=4
  sa_set_base_addr half=low, buffer=ibuf, imm=0
  sa_set_base_addr half=high, buffer=ibuf, imm=2
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=0
  sa_ld buffer=ibuf, loop=14, bytes=256
  sa_set_base_addr half=low, buffer=wbuf, imm=0
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=0, imm=4096
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=0
  sa_ld buffer=wbuf, loop=15, bytes=4
  sync_end unit=systolic, buf=exec, group=0
  sync_start unit=simd, buf=exec, group=0, count=21
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=64
  iter_base_signext ns=vmem1, ix=0, imm=0
  iter_stride_signext ns=vmem1, ix=0, imm=1
  iter_base_signext ns=obuf, ix=0, imm=0
  iter_stride_signext ns=obuf, ix=0, imm=1
  imm_signext slot=0, imm=8
  set_iter loop=0, count=64
  set_index dst=vmem1[0], src1=obuf[0], src2=imm[0]
  set_inst nested=0, count=1
  cast_fxp32_fxp8 dst=vmem1[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=0
  st_config_base_addr half=low, ns=vmem1, imm=8192
  st_config_base_addr half=high, ns=vmem1, imm=2
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=3
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=32
  st_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=63
  st_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=128
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=32
  sync_end unit=simd, buf=exec, group=0
  block_end last=0
b1:
  sync_start unit=systolic, buf=exec, group=1, count=31
  sa_loop loop=0, count_minus_1=3
  sa_loop loop=9, count_minus_1=3
  sa_loop loop=13, count_minus_1=63
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=64
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=4
  sa_set_base_addr half=low, buffer=ibuf, imm=0
  sa_set_base_addr half=high, buffer=ibuf, imm=2
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=0
  sa_ld buffer=ibuf, loop=14, bytes=256
  sa_set_base_addr half=low, buffer=wbuf, imm=16384
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=0, imm=4096
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=0
  sa_ld buffer=wbuf, loop=15, bytes=4
  sync_end unit=systolic, buf=exec, group=1
  sync_start unit=simd, buf=exec, group=1, count=35
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=64
  set_iter loop=0, count=64
  set_index dst=obuf[0], src1=obuf[0], src2=imm[0]
  set_inst nested=0, count=1
  cast_fxp32_fxp8 dst=obuf[0], src1=obuf[0], src2=imm[0]
  perm_set_base_addr side=read, imm=0
  perm_set_base_addr_high side=read, imm=0
  perm_set_loop_iter side=read, dim=0, count_minus_1=31
  perm_set_loop_stride side=read, dim=0, imm=1
  perm_set_loop_stride_high side=read, dim=0, imm=0
  perm_set_loop_iter side=read, dim=1, count_minus_1=63
  perm_set_loop_stride side=read, dim=1, imm=32
  perm_set_loop_stride_high side=read, dim=1, imm=0
  perm_set_base_addr side=write, imm=0
  perm_set_base_addr_high side=write, imm=0
  perm_set_loop_iter side=write, dim=0, count_minus_1=31
  perm_set_loop_stride side=write, dim=0, imm=64
  perm_set_loop_stride_high side=write, dim=0, imm=0
  perm_set_loop_iter side=write, dim=1, count_minus_1=63
  perm_set_loop_stride side=write, dim=1, imm=1
  perm_set_loop_stride_high side=write, dim=1, imm=0
  perm_start dst_ns=vmem1, src1_ns=obuf, shuffle=1
  sync_end unit=simd, buf=buf, group=1
  st_config_base_addr half=low, ns=vmem1, imm=16384
  st_config_base_addr half=high, ns=vmem1, imm=2
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=3
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=1024
  st_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=31
  st_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=32
  st_config_tile_loop_iter ns=vmem1, loop=1, count_minus_1=1
  st_config_tile_loop_stride half=low, ns=vmem1, loop=1, imm=4096
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=32
  sync_end unit=simd, buf=exec, group=1
  block_end last=0
b2:
  sync_start unit=systolic, buf=exec, group=2, count=37
  sa_loop loop=0, count_minus_1=1
  sa_loop loop=7, count_minus_1=1
  sa_loop loop=9, count_minus_1=1
  sa_loop loop=13, count_minus_1=63
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=2
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=128
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=2
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=2
  sa_set_base_addr half=low, buffer=ibuf, imm=8192
  sa_set_base_addr half=high, buffer=ibuf, imm=2
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=0, imm=64
  sa_loop loop=14, count_minus_1=63
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=128
  sa_set_loop_stride half=low, dir=wr, buffer=ibuf, loop=14, imm=2
  sa_ld buffer=ibuf, loop=14, bytes=2
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=0, imm=2048
  sa_set_base_addr half=low, buffer=wbuf, imm=16384
  sa_set_base_addr half=high, buffer=wbuf, imm=2
  sa_loop loop=15, count_minus_1=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=4096
  sa_set_loop_stride half=low, dir=wr, buffer=wbuf, loop=15, imm=2
  sa_ld buffer=wbuf, loop=15, bytes=2
  sync_end unit=systolic, buf=exec, group=2
  sync_start unit=simd, buf=exec, group=2, count=18
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=128
  set_iter loop=0, count=128
  set_index dst=vmem1[0], src1=obuf[0], src2=imm[0]
  set_inst nested=0, count=1
  cast_fxp32_fxp8 dst=vmem1[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=2
  st_config_base_addr half=low, ns=vmem1, imm=24576
  st_config_base_addr half=high, ns=vmem1, imm=2
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=1
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=4096
  st_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=1
  st_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=32
  st_config_tile_loop_iter ns=vmem1, loop=1, count_minus_1=63
  st_config_tile_loop_stride half=low, ns=vmem1, loop=1, imm=64
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=32
  sync_end unit=simd, buf=exec, group=2
  block_end last=0
b3:
  sync_start unit=systolic, buf=exec, group=3, count=31
  sa_loop loop=0, count_minus_1=3
  sa_loop loop=9, count_minus_1=3
  sa_loop loop=13, count_minus_1=63
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=64
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=4
  sa_set_base_addr half=low, buffer=ibuf, imm=0
  sa_set_base_addr half=high, buffer=ibuf, imm=2
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=0
  sa_ld buffer=ibuf, loop=14, bytes=256
  sa_set_base_addr half=low, buffer=wbuf, imm=32768
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=0, imm=4096
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=0
  sa_ld buffer=wbuf, loop=15, bytes=4
  sync_end unit=systolic, buf=exec, group=3
  sync_start unit=simd, buf=exec, group=3, count=14
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=64
  set_iter loop=0, count=64
  set_index dst=vmem1[0], src1=obuf[0], src2=imm[0]
  set_inst nested=0, count=1
  cast_fxp32_fxp8 dst=vmem1[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=3
  st_config_base_addr half=low, ns=vmem1, imm=8192
  st_config_base_addr half=high, ns=vmem1, imm=2
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=3
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=2048
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=2048
  sync_end unit=simd, buf=exec, group=3
  block_end last=0
b4:
  sync_start unit=systolic, buf=exec, group=4, count=33
  sa_loop loop=0, count_minus_1=1
  sa_loop loop=7, count_minus_1=1
  sa_loop loop=9, count_minus_1=1
  sa_loop loop=13, count_minus_1=63
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=2
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=64
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=128
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=2
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=2
  sa_set_base_addr half=low, buffer=ibuf, imm=24576
  sa_set_base_addr half=high, buffer=ibuf, imm=2
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=0, imm=4096
  sa_set_loop_stride half=low, dir=ld, buffer=ibuf, loop=14, imm=0
  sa_ld buffer=ibuf, loop=14, bytes=128
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=0, imm=4096
  sa_set_base_addr half=low, buffer=wbuf, imm=8192
  sa_set_base_addr half=high, buffer=wbuf, imm=2
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=15, imm=0
  sa_ld buffer=wbuf, loop=15, bytes=4
  sync_end unit=systolic, buf=exec, group=4
  sync_start unit=simd, buf=exec, group=4, count=14
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=128
  st_config_base_loop_iter ns=ibuf, loop=0, count_minus_1=1
  st_config_base_loop_stride half=low, ns=ibuf, loop=0, imm=128
  st_config_tile_addr ns=ibuf, imm=128
  st_start ns=ibuf, bits_minus_1=7, bytes=32
  iter_base_signext ns=ibuf, ix=0, imm=0
  iter_stride_signext ns=ibuf, ix=0, imm=1
  set_iter loop=0, count=128
  set_index dst=ibuf[0], src1=obuf[0], src2=imm[0]
  set_inst nested=0, count=1
  cast_fxp32_fxp8 dst=ibuf[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=4
  sync_end unit=simd, buf=exec, group=4
  block_end last=0
b5:
  sync_start unit=systolic, buf=exec, group=5, count=30
  sa_loop loop=0, count_minus_1=3
  sa_loop loop=7, count_minus_1=3
  sa_loop loop=9, count_minus_1=3
  sa_loop loop=13, count_minus_1=15
  sa_reduction loop=9, kind=inner_ic
  sa_reduction loop=10, kind=inner_kh
  sa_reduction loop=11, kind=inner_kw
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=7, imm=4
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=9, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=10, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=wbuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=bbuf, loop=7, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=12, imm=16
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=7, imm=16
  sa_set_loop_stride half=low, dir=wr, buffer=obuf, loop=8, imm=64
  sa_set_base_addr half=low, buffer=ibuf, imm=128
  sa_set_base_addr half=high, buffer=ibuf, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=8, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=9, imm=64
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=10, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=11, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=12, imm=0
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=13, imm=1
  sa_set_loop_stride half=low, dir=rd, buffer=ibuf, loop=0, imm=16
  sa_set_base_addr half=low, buffer=wbuf, imm=49152
  sa_set_base_addr half=high, buffer=wbuf, imm=1
  sa_set_loop_stride half=low, dir=ld, buffer=wbuf, loop=14, imm=0
  sa_ld buffer=wbuf, loop=14, bytes=16
  sync_end unit=systolic, buf=exec, group=5
  sync_start unit=simd, buf=exec, group=5, count=18
  window_base ns=vmem1, imm=0
  window_rows ns=vmem1, imm=64
  set_iter loop=0, count=64
  set_index dst=vmem1[0], src1=obuf[0], src2=imm[0]
  set_inst nested=0, count=1
  cast_fxp32_fxp8 dst=vmem1[0], src1=obuf[0], src2=imm[0]
  sync_end unit=simd, buf=buf, group=5
  st_config_base_addr half=low, ns=vmem1, imm=0
  st_config_base_addr half=high, ns=vmem1, imm=2
  st_config_base_loop_iter ns=vmem1, loop=0, count_minus_1=3
  st_config_base_loop_stride half=low, ns=vmem1, loop=0, imm=2048
  st_config_tile_loop_iter ns=vmem1, loop=0, count_minus_1=3
  st_config_tile_loop_stride half=low, ns=vmem1, loop=0, imm=32
  st_config_tile_loop_iter ns=vmem1, loop=1, count_minus_1=15
  st_config_tile_loop_stride half=low, ns=vmem1, loop=1, imm=128
  st_config_tile_addr ns=vmem1, imm=0
  st_start ns=vmem1, bits_minus_1=7, bytes=32
  sync_end unit=simd, buf=exec, group=5
  block_end last=1