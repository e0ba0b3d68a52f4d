import { benchControlPlane } from './control-plane';
import { benchHop } from './hop';
import { benchSynth } from './synth';

/** `npm run bench [-- NAME…]` measures on this machine and prints the figures. */
const benches: { readonly [name: string]: () => Promise<void> } = {
  hop: benchHop,
  synth: benchSynth,
  'control-plane': benchControlPlane,
};

async function main(): Promise<void> {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    const bench = benches[name];
    if (bench === undefined) throw new Error(`no bench "${name}"; there are ${Object.keys(benches).join(', ')}`);
    await bench();
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
