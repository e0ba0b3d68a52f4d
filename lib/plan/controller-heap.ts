/**
 * How node is to run a controller: without a limit it lets garbage lie for as long as there is memory. Two hundred flows
 * need about half of it.
 */
export const controllerNodeOptions = '--max-old-space-size=256';
