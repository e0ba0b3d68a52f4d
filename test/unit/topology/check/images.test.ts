import { readTopology } from '../../../../lib/topology/read-topology';

/** A document with one image. */
function withImage(place: string, image: string): string {
  const sidecars = place === 'sidecar' ? [{ name: 'cache', image }] : [];
  const section = ['devStore', 'messageStore'].includes(place) ? { [place]: { image } } : {};
  const global = { ...section, ...(place === 'globalConfig' ? { image } : {}) };
  const own = place === 'function' ? { image } : {};
  const source = {
    id: 'list',
    type: 'fs-source',
    format: 'list',
    addr: 's3:9000',
    topics: 's3a://inbox',
    secret: 's3',
  };
  const map = { id: 'map', type: 'raw', ...own, meta: { name: 'f', code: 'f = 1', container: { sidecars } } };
  return JSON.stringify({ jobId: 'words', globalConfig: global, dag: [{ ...source, out: ['map'] }, map] });
}

function problemsOf(place: string, image: string) {
  const options = { file: 'words.json', defaultJobId: 'words', purpose: 'manifests' } as const;
  const { problems } = readTopology(withImage(place, image), options);
  return problems.filter(({ severity }) => severity === 'error').map(({ code, message }) => `${code}: ${message}`);
}

const places = ['function', 'sidecar', 'globalConfig', 'devStore', 'messageStore'];

test.each(places)('an image of a %s with a password is refused, and not shown', (place) => {
  for (const image of ['me:hunter2@registry.example.org/x', 'https://me:hunter2@registry.example.org/x:1']) {
    const problems = problemsOf(place, image);
    expect(problems.join('\n')).toContain('secret-exposed: contains a user and password');
    expect(problems.join('\n')).not.toContain('hunter2');
  }
});

test.each(places)('an image of a %s that no registry has is refused', (place) => {
  expect(problemsOf(place, 'A B')).toEqual([
    'setting-invalid: must be as registry.example.org/name:version, got "A B"',
  ]);
  expect(problemsOf(place, 'registry.example.org:5000/team/x:1.2')).toEqual([]);
});
