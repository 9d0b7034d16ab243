import { sameShape } from "@accelc/ir";
import { int, maybeInts } from "../attributes.js";
import { type OperatorRow, row } from "./row.js";
import { readWindow, spatial, WINDOW } from "./window.js";

export const CONV: readonly OperatorRow[] = [
  row({
    op: "Conv",
    since: 1,
    unit: "systolic",
    constraints: "any number of spatial axes; pads must not be negative",
    inputs: [2, 3],
    attributes: { ...WINDOW, dilations: maybeInts, group: int(1), kernel_shape: maybeInts },
    parse(n, a) {
      const [x, w] = [n.input(0), n.input(1)];
      const extent = spatial(n);
      const kernel = n.shape(w).slice(2);
      if (a.kernel_shape && !sameShape(a.kernel_shape, kernel))
        n.badAttribute("kernel_shape", `[${a.kernel_shape.join(",")}]`, `the weight has [${kernel.join(",")}]`);
      if (kernel.length !== extent.length)
        n.badInput(1, `of shape [${n.shape(w).join(",")}]`, `the input has ${extent.length} spatial axes`);
      if (a.group < 1) n.badAttribute("group", a.group, "it must be 1 or more");
      const attrs = { ...readWindow(n, a, extent, kernel), groups: a.group, fill: 0 };
      const inputs = n.has(2) ? [x, w, n.input(2)] : [x, w];
      n.sameTypes(inputs);
      n.result("conv", inputs, attrs);
    },
  }),
];
