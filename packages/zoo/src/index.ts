export type { ZooTensor } from "./data.js";
export type { InputKind, ZooInput, ZooNetwork, ZooOptions } from "./options.js";
export { buildZoo, ZOO, zooData, zooInputs, zooNetwork, zooProblem } from "./zoo.js";
