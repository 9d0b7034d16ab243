// @ts-check
// A thread that helps with another one's session.
import { workerData } from "node:worker_threads";
import { helpTeam } from "@accelc/emulator";

helpTeam(workerData);
