import { CompilerBug, isFloat, type Node, type OpName, unpackMinifloat, type ValueId } from "@accelc/ir";
import { type Context, floatValue, storedId } from "./context.js";
import { emitterOf } from "./fixed.js";
import { minifloatWord, wordOf } from "./minifloat.js";

/** A raw value of the integer graph: binary32 words. A constant becomes one. */
export function wordsId(c: Context, id: ValueId): ValueId {
  const { data, type } = floatValue(c, id);
  if (!data) return storedId(c, id);
  const words = new Int32Array(Float32Array.from(data as Float32Array).buffer);
  return c.constants.add({ dtype: "int32", shape: type.shape }, words, `${id}.words`);
}

/** What moves or selects raw values: the same operation on words, exact whatever they hold. */
export function emitRaw(c: Context, n: Node): void {
  const out = n.outputs[0]!;
  const { source } = floatValue(c, out);
  const at = { id: out, ...(source === undefined ? {} : { source }) };
  const operand = (id: ValueId) => (isFloat(floatValue(c, id).type.dtype) ? wordsId(c, id) : storedId(c, id));
  const operands = n.inputs.map(operand);
  switch (n.op) {
    case "identity":
    case "cast":
      c.stored.set(out, operands[0]!);
      return;
    case "unary": {
      const rounded = minifloatWord(emitterOf(c, n), operands[0]!, unpackMinifloat(n.attrs.a));
      c.stored.set(out, source === undefined ? rounded.id : c.builder.describe(rounded.id, { source }));
      return;
    }
    case "where":
      c.stored.set(out, c.builder.add("select", operands, {}, n.loc, at));
      return;
    case "reshape":
    case "transpose":
    case "slice":
    case "pad":
    case "concat":
    case "expand":
    case "gather": {
      const attrs = n.op === "pad" ? { ...n.attrs, value: wordOf(n.attrs.value) } : n.attrs;
      c.stored.set(out, c.builder.add<OpName>(n.op, operands, attrs as never, n.loc, at));
      return;
    }
    default:
      throw new CompilerBug("quantize", `${n.op} passes no words on`);
  }
}
