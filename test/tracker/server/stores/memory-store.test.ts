import { MemoryStore } from "../../../../src/tracker/server/stores/memory-store.js";
import { storeContract } from "./store-contract.js";

storeContract("memory store", ({ limits, clock, random }) => new MemoryStore(limits, clock, random));
