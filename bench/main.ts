import { benchControlPlane } from './control-plane';
import { benchExecutions, benchLargeStates } from './executions';
import { benchHop } from './hop';
import { benchKeys } from './keys';
import { benchListing } from './listing';
import { benchSynth } from './synth';

/** `npm run bench [-- NAME…]` runs the named benchmarks, or all, and prints their figures. */
const benchmarks: { readonly [name: string]: () => Promise<void> } = {
  hop: benchHop,
  synth: benchSynth,
  'control-plane': benchControlPlane,
  listing: benchListing,
  executions: benchExecutions,
  'large-states': benchLargeStates,
  keys: benchKeys,
};

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const unknown = names.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown !== undefined) {
    process.stderr.write(`unknown benchmark "${unknown}"; benchmarks: ${Object.keys(benchmarks).join(', ')}\n`);
    process.exitCode = 64;
    return;
  }
  for (const name of names.length > 0 ? names : Object.keys(benchmarks)) await benchmarks[name]?.();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
