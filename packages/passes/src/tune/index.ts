export { applyTuning, channelsOf, type LayerTuning, tunableLayers } from "./apply.js";
export { type TunedLayer, tuneLayer } from "./layer.js";
export { fromRows, gathering, type LayerShape, layerShape, MomentCollector, toRows } from "./moments.js";
export { PowerCollector } from "./power.js";
export { type Codes, cheapestRange, type Witness } from "./ranges.js";
