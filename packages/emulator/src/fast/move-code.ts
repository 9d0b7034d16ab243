import { packedByte, packedWords } from "./packed-store-code.js";
import type { Code, FunctionSpec } from "./wasm.js";

/** Kinds of a move. An entry is five words: kind, destination, source or value, count, and a stride pair for WORDS. */
export const MOVE = {
  /** `count` bytes. */
  BYTES: 0,
  /** `count` bytes of one value. */
  FILL: 1,
  /** `count` words of one value. */
  FILL_WORDS: 2,
  /** `count` elements of 8 or 16 bits to words, sign-extended. */
  LOAD8: 3,
  LOAD16: 4,
  /** The low 8 or 16 bits of `count` words. */
  STORE8: 5,
  STORE16: 6,
  /** `count` words one by one; the fifth word holds the strides in words: low half destination, high half source. */
  WORDS: 7,
  /** The low 4 or 2 bits of `count` words, low bits first; `count` fills whole bytes. */
  STORE4: 8,
  STORE2: 9,
} as const;

export const MOVE_WORDS = 5;

const EVEN_BYTES = [0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28];
const EVEN_HALVES = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29];

/** From here on the host's own copy is faster. */
const LONG = 96;

/** `move(list, end)`: the entries at [list, end) in order. */
export const moveFunction = { name: "move", parameters: 2, write: writeMove } as const satisfies FunctionSpec;

function writeMove(code: Code): void {
  const [entry, end] = [0, 1];
  const [kind, to, from, left, strides] = Array.from({ length: 5 }, () => code.local("i32"));
  const locals = [kind, to, from, left, strides];
  const advance = (local: number, by: number) => {
    code.get(local);
    code.const32(by);
    code.op("i32.add");
    code.set(local);
  };
  /** Runs `body` while at least `step` are left; `body` moves `step`. */
  const steps = (step: number, toBytes: number, fromBytes: number, body: () => void) => {
    const enough = () => {
      code.get(left);
      code.const32(step);
      code.op("i32.ge_u");
    };
    enough();
    code.when(() =>
      code.repeat(() => {
        body();
        advance(to, toBytes);
        advance(from, fromBytes);
        advance(left, -step);
      }, enough),
    );
  };
  const pair = (loads: () => void, store: () => void) => () => {
    code.get(to);
    loads();
    store();
  };
  const load = (name: "i32.load" | "i32.load8_u" | "i32.load16_u" | "i64.load" | "v128.load", offset = 0) => {
    code.get(from);
    code.memory(name, offset);
  };
  const widened = (bits: 8 | 16) => {
    const size = bits / 8;
    steps(8, 32, 8 * size, () => {
      for (const high of [0, 1]) {
        code.get(to);
        code.get(from);
        if (bits === 8) {
          code.memory("v128.load8x8_s");
          code.op(high === 0 ? "i32x4.extend_low_i16x8_s" : "i32x4.extend_high_i16x8_s");
        } else code.memory("v128.load16x4_s", 8 * high);
        code.memory("v128.store", 16 * high);
      }
    });
    steps(
      1,
      4,
      size,
      pair(
        () => {
          load(bits === 8 ? "i32.load8_u" : "i32.load16_u");
          code.const32(32 - bits);
          code.op("i32.shl");
          code.const32(32 - bits);
          code.op("i32.shr_s");
        },
        () => code.memory("i32.store"),
      ),
    );
  };
  const narrowed = (bits: 8 | 16) => {
    const size = bits / 8;
    steps(
      8,
      8 * size,
      32,
      pair(
        () => {
          load("v128.load");
          load("v128.load", 16);
          code.shuffle(bits === 8 ? EVEN_BYTES : EVEN_HALVES);
        },
        () => (bits === 8 ? code.storeLow(64) : code.memory("v128.store")),
      ),
    );
    steps(
      1,
      size,
      4,
      pair(
        () => load("i32.load"),
        () => code.memory(bits === 8 ? "i32.store8" : "i32.store16"),
      ),
    );
  };
  const packed = (bits: 2 | 4) => {
    const words = () => packedWords(code, bits, from);
    steps(
      32 / bits,
      4,
      128 / bits,
      pair(words, () => code.storeLow(32)),
    );
    const byte = () => packedByte(code, bits, from);
    steps(
      8 / bits,
      1,
      32 / bits,
      pair(byte, () => code.memory("i32.store8")),
    );
  };
  const bytes = () => {
    code.get(left);
    code.const32(LONG);
    code.op("i32.ge_u");
    code.when(
      () => {
        code.get(to);
        code.get(from);
        code.get(left);
        code.copy();
      },
      () => {
        steps(
          8,
          8,
          8,
          pair(
            () => load("i64.load"),
            () => code.memory("i64.store"),
          ),
        );
        steps(
          1,
          1,
          1,
          pair(
            () => load("i32.load8_u"),
            () => code.memory("i32.store8"),
          ),
        );
      },
    );
  };
  const filledWords = () => {
    steps(4, 16, 0, () => {
      code.get(to);
      code.get(from);
      code.op("i32x4.splat");
      code.memory("v128.store");
    });
    steps(1, 4, 0, () => {
      code.get(to);
      code.get(from);
      code.memory("i32.store");
    });
  };
  const words = () => {
    const half = (high: boolean) => {
      code.get(strides);
      if (!high) {
        code.const32(16);
        code.op("i32.shl");
      }
      code.const32(16);
      code.op("i32.shr_s");
      code.const32(2);
      code.op("i32.shl");
    };
    const [toStep, fromStep] = [code.local("i32"), code.local("i32")];
    half(false);
    code.set(toStep);
    half(true);
    code.set(fromStep);
    steps(1, 0, 0, () => {
      code.get(to);
      load("i32.load");
      code.memory("i32.store");
      for (const [local, step] of [
        [to, toStep],
        [from, fromStep],
      ]) {
        code.get(local);
        code.get(step);
        code.op("i32.add");
        code.set(local);
      }
    });
  };
  const filled = () => {
    code.get(to);
    code.get(from);
    code.get(left);
    code.fill();
  };
  const choices = [
    bytes,
    filled,
    filledWords,
    () => widened(8),
    () => widened(16),
    () => narrowed(8),
    () => narrowed(16),
    words,
    () => packed(4),
    () => packed(2),
  ];
  const choose = (i: number): void => {
    if (i === choices.length - 1) {
      choices[i]();
      return;
    }
    code.get(kind);
    code.const32(i);
    code.op("i32.eq");
    code.when(choices[i], () => choose(i + 1));
  };
  const pending = () => {
    code.get(entry);
    code.get(end);
    code.op("i32.lt_u");
  };
  pending();
  code.when(() =>
    code.repeat(() => {
      locals.forEach((local, i) => {
        code.get(entry);
        code.memory("i32.load", 4 * i);
        code.set(local);
      });
      choose(0);
      advance(entry, 4 * MOVE_WORDS);
    }, pending),
  );
}
