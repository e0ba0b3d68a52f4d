import { Random } from '../../lib/random';

/** Seed of tests with random steps. jest prints it as KFLOW_SEED, which repeats the run. */
export const seed = Number(process.env.KFLOW_SEED);

export { Random };
