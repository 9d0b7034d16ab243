import { it } from "vitest";
import { evaluate, printGraph, verifyGraph } from "@accelc/ir";
import { quantize } from "/work/main/packages/passes/src/index.js";
import { Network, random, calibrate, evaluateFloat, encode, decode, sqnr, overflows } from "/work/main/packages/passes/test/quantize-support.js";
it("x", () => {
  const r = random(1);
  const go = (name: string, make: (n: Network) => string[]) => {
    const net = new Network(r);
    const g = net.finish(...make(net));
    const sample = () => new Map(g.inputs.map((p) => [p.value, Float64Array.from({ length: g.values.get(p.value)!.type.shape.reduce((a, b) => a * b, 1) }, r)]));
    const s = [sample(), sample(), sample()];
    const q = quantize(g, calibrate(g, s), { precision: "int8", weights: "max" });
    console.log(name + "\n" + printGraph(q));
    verifyGraph(q, "integer", "quantize");
    const x = s[0]!;
    const want = evaluateFloat(g, x); const got = evaluate(q, encode(q, x));
    g.outputs.forEach((o, i) => console.log(sqnr(want.get(o.value)!, decode(q, q.outputs[i]!.value, got.get(q.outputs[i]!.value)!))));
    console.log(overflows(q, encode(q, x)));
  };
  go("conv relu conv", (n) => { const x = n.input("x", [1, 3, 6, 6]); const a = n.add("relu", [n.conv(x, 4, 3)], {}); return [n.conv(a, 5, 3)]; });
  go("residual", (n) => { const x = n.input("x", [1, 4, 6, 6]); const p={pads:[1,1,1,1]}; const a = n.add("relu", [n.conv(x, 4, 3,p)], {}); const b = n.conv(a, 4, 3,p); const d=n.add("relu",[n.add("add",[b,x],{})],{}); const e=n.add("averagePool",[d],{kernel:[6,6],strides:[1,1],dilations:[1,1],pads:[0,0,0,0],countedPads:[0,0,0,0]});const f=n.add("reshape",[e],{shape:[1,4]}); return [n.add("matmul",[f,n.constant([4,10]),n.constant([10])],{})]; });
  go("two convs", (n) => { const x = n.input("x", [1, 4, 6, 6]); const p={pads:[1,1,1,1]}; const a = n.add("relu", [n.conv(x, 4, 3,p)], {}); const b = n.conv(x, 4, 1); return [n.conv(n.add("add",[a,b],{}),2,1)]; });
  go("leaky+res", (n) => { const x = n.input("x", [1, 4, 6, 6]); const p={pads:[1,1,1,1]}; const a = n.add("leakyRelu", [n.conv(x, 4, 3,p)], {alpha:0.1}); return [n.conv(n.add("add",[a,x],{}),2,1)]; });
  go("leaky", (n) => { const x = n.input("x", [1, 4, 6, 6]); const p={pads:[1,1,1,1]}; const a = n.add("leakyRelu", [n.conv(x, 4, 3,p)], {alpha:0.1}); return [n.conv(a,2,1)]; });
  go("mul", (n) => { const x = n.input("x", [1, 4, 6, 6]); const p={pads:[1,1,1,1]}; const a = n.conv(x, 4, 3,p); return [n.conv(n.add("mul",[a,x],{}),2,1)]; });
  go("div", (n) => { const x = n.input("x", [1, 4, 6, 6]); const a = n.add("add",[n.add("relu",[n.conv(x, 4, 1)],{}), n.constant([1],0,1)],{}); return [n.conv(n.add("div",[x,a],{}),2,1)]; });
});
