/** The vector instructions: ALU, CALCULUS, COMPARISON, DATATYPE_CAST, in the order of their codes. */
export const COMPUTE_MNEMONICS = [
  ...["ADD", "SUB", "MUL", "MACC", "DIV", "MAX", "MIN", "RSHIFT", "LSHIFT", "MOVE"],
  ...["COND_MOVE_TRUE", "COND_MOVE_FALSE", "NOT", "AND", "OR", "NOP"],
  ...["RELU", "LEAKY_RELU", "SIGMOID", "TANH", "EXP", "LN", "SQRT", "INV_SQRT", "LOG2", "ABS", "SIGN"],
  ...["EQUAL", "NEQ", "GT", "GTE", "LT", "LTE"],
  ...["32FXP_16FXP", "32FXP_8FXP", "32FXP_4FXP", "16FXP_32FXP", "8FXP_32FXP", "4FXP_32FXP"],
  ...["32FP_16FP", "16FP_32FP", "FLOOR", "CEIL", "32FP_16BFP", "16BFP_32FP"],
] as const;
