import type { OperatorRow } from "@accelc/frontend";
import { ELEMENT_COST } from "./element-cost-table.js";

const NUMBERS: Readonly<Record<string, number>> = ELEMENT_COST;

/** Measured by test/element-cost.test.ts; undefined where it is not. Other domains share the number of their namesake. */
export const elementCost = (r: OperatorRow): string | undefined => NUMBERS[r.op]?.toString();
