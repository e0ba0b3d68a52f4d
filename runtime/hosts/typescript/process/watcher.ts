import { workerData } from 'node:worker_threads';
import { SharedFrame } from './shared-frame';

/** How long outcomes may wait while user code does not return. */
const afterMs = 20;

/** The thread that sends outcomes for the main thread while user code does not return. */
const { descriptor, memory } = workerData as { descriptor: number; memory: SharedArrayBuffer };
new SharedFrame(descriptor, memory).watch(afterMs);
