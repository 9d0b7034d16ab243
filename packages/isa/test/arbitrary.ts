import fc from "fast-check";
import { FORMS, type Form, type Inst, isFieldValue } from "../src/index.js";

export const instArb = (form: Form): fc.Arbitrary<Inst> =>
  fc.record({
    op: fc.constant(form.op),
    ...Object.fromEntries(form.fields.map((f) => [f.name, fc.nat({ max: f.max }).filter((v) => isFieldValue(f, v))])),
  }) as fc.Arbitrary<unknown> as fc.Arbitrary<Inst>;

export const anyInst: fc.Arbitrary<Inst> = fc.oneof(...FORMS.map(instArb));
