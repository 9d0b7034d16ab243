import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { decodeNpy } from "../src/tensor/npy.js";
import { accelc, scratch } from "./harness.js";

it("lists the networks of the contract", async () => {
  const r = await accelc(["zoo", "--list", "--json"], { cwd: scratch() });
  expect(JSON.parse(r.stdout).map((n: { name: string }) => n.name)).toEqual([
    "vgg16",
    "resnet50",
    "mobilenetv2",
    "efficientnet-b0",
    "yolov3-416",
    "bert-base-128",
    "gpt2-128",
    "vit-b16",
    "lstm-2x256",
  ]);
  expect((await accelc(["zoo", "--list"], { cwd: scratch() })).stdout).toMatch(
    /\nresnet50 +ResNet-50 v1.5 +resolution 224\n/,
  );
});

it("writes a network and calibration data that fit each other", async () => {
  const cwd = scratch();
  const argv = [
    "zoo",
    "lstm-2x256",
    "-o",
    "m.onnx",
    "--sequence",
    "3",
    "--batch",
    "2",
    "--calib-dir",
    "c",
    "--seed",
    "7",
  ];
  const r = await accelc([...argv, "--calib-samples", "5"], { cwd });
  expect(r).toMatchObject({ status: 0, stderr: "" });
  expect(r.stdout).toMatch(
    /^m\.onnx: LSTM, two layers of 256, [\d,]+ bytes\nc: input float32\[10,3,128\], 5 samples\n$/,
  );
  expect(decodeNpy(readFileSync(join(cwd, "c/input.npy"))).shape).toEqual([10, 3, 128]);
  await accelc([...argv.map((a) => (a === "m.onnx" ? "again.onnx" : a)), "--quiet"], { cwd });
  expect(readFileSync(join(cwd, "again.onnx")).equals(readFileSync(join(cwd, "m.onnx")))).toBe(true);
});

it.each([
  [["zoo"], /^accelc: which network\? one of vgg16, /],
  [["zoo", "resnet51"], /^accelc: no network resnet51; there are vgg16, /],
  [["zoo", "resnet50", "--resolution", "50"], /must be a multiple of 32, not 50\n$/],
  [["zoo", "resnet50", "--layers", "5"], /resnet50 has fixed layers\n$/],
])("refuses %j", async (argv, message) => {
  expect(await accelc(argv, { cwd: scratch() })).toMatchObject({
    status: 2,
    stdout: "",
    stderr: expect.stringMatching(message),
  });
});
