import { Workplace } from '../../../../support/kflow-cli';
import { invalidTopology, kflow, topology } from '../../support';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

test('a topology is drawn and exits with 0; one with an error exits with 1 and draws nothing', async () => {
  const drawn = await kflow('graph', place.write('valid.yaml', topology));
  expect([drawn.status, drawn.stdout]).toEqual([
    0,
    expect.stringMatching(/^flowchart .*\n.*list.*\n.*leaf.*\n.*-->.*\n$/),
  ]);
  const refused = await kflow('graph', place.write('invalid.yaml', invalidTopology));
  expect([refused.status, refused.stdout, refused.stderr]).toEqual([1, '', expect.stringContaining('rwa')]);
});
