// @ts-check

/**
 * One row per class: its name and its strokes, in a box of 100 x 100 with y downwards.
 * Commands are a subset of SVG's: `M` starts a stroke, `L` is a line, `C` a cubic Bezier curve; all absolute.
 * The row number is the label.
 *
 * @type {readonly { readonly name: string, readonly path: string }[]}
 */
export const SHAPES = [
  { name: "0", path: "M 50 5 C 20 5 15 30 15 50 C 15 70 20 95 50 95 C 80 95 85 70 85 50 C 85 30 80 5 50 5" },
  { name: "1", path: "M 26 27 L 52 5 L 52 95" },
  { name: "2", path: "M 18 28 C 20 -2 80 -4 80 30 C 80 55 30 70 17 95 L 84 95" },
  { name: "3", path: "M 20 15 C 40 -2 80 2 78 27 C 77 45 60 48 43 48 C 65 48 84 54 83 72 C 82 102 35 102 16 82" },
  { name: "4", path: "M 65 95 L 65 5 L 13 68 L 87 68" },
  { name: "5", path: "M 78 5 L 28 5 L 22 45 C 45 30 83 38 82 68 C 80 102 35 100 17 84" },
  { name: "6", path: "M 75 10 C 45 0 18 30 18 65 C 18 105 82 105 82 67 C 82 35 30 35 19 64" },
  { name: "7", path: "M 16 5 L 84 5 C 65 35 48 60 42 95" },
  {
    name: "8",
    path: "M 50 47 C 10 38 15 5 50 5 C 85 5 90 38 50 47 C 5 56 8 95 50 95 C 92 95 95 56 50 47",
  },
  { name: "9", path: "M 25 90 C 55 100 82 70 82 35 C 82 -5 18 -5 18 33 C 18 65 70 65 81 36" },
  { name: "A", path: "M 12 95 L 50 5 L 88 95 M 27 62 L 73 62" },
  { name: "E", path: "M 80 5 L 22 5 L 22 95 L 82 95 M 22 48 L 70 48" },
  { name: "H", path: "M 20 5 L 20 95 M 80 5 L 80 95 M 20 50 L 80 50" },
  { name: "K", path: "M 22 5 L 22 95 M 80 5 L 22 56 M 42 40 L 82 95" },
  { name: "R", path: "M 22 95 L 22 5 L 50 5 C 90 5 90 52 50 52 L 22 52 M 48 52 L 82 95" },
  { name: "W", path: "M 8 5 L 28 95 L 50 30 L 72 95 L 92 5" },
  { name: "X", path: "M 15 5 L 85 95 M 85 5 L 15 95" },
  { name: "question", path: "M 20 28 C 20 -4 82 -4 80 30 C 78 52 50 45 50 70 M 50 90 L 50 95" },
  { name: "omega", path: "M 10 95 L 38 95 C 5 72 5 5 50 5 C 95 5 95 72 62 95 L 90 95" },
  { name: "heart", path: "M 50 92 C 15 65 0 45 10 22 C 20 0 45 5 50 30 C 55 5 80 0 90 22 C 100 45 85 65 50 92" },
];
