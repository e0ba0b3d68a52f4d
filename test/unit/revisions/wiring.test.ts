import { completeWiring, type Declared, findWiringFaults } from '../../../lib/revisions/wiring/complete-wiring';
import { wiringSchema } from '../../../lib/revisions/wiring/wiring-schema';

const declared: Declared = {
  inputs: [
    { name: 'series', type: 'series' },
    { name: 'limit', type: 'float', default: { value: 1.3 } },
    { name: 'label', type: 'string', default: { value: null } },
  ],
  outputs: [
    { name: 'days', type: 'float' },
    { name: 'plot', type: 'plotly' },
  ],
};

const input = (workflow_input_name: string, more: object = {}) => ({
  workflow_input_name,
  adapter_id: 'direct_provisioning',
  ...more,
});
const output = (workflow_output_name: string, adapter_id: string | number = 'blobs') => ({
  workflow_output_name,
  adapter_id,
});

function problems(wiring: object): readonly string[] {
  const parsed = wiringSchema.safeParse(wiring);
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const parse = (wiring: object) => wiringSchema.parse(wiring);

describe('the wirings of the documents', () => {
  test('are read as they stand: numbers are text, unknown keys are ignored', () => {
    const {
      input_wirings: [rul],
    } = parse({
      input_wirings: [
        {
          ref_id: 'root.plantA.picklingUnit.influx.temp',
          ref_id_type: 'SOURCE',
          type: 'timeseries(float)',
          ...input('limit', { adapter_id: 'demo-adapter-python', filters: { value: 1.3 }, extra: true }),
        },
      ],
      output_wirings: [],
    });
    expect(rul).toEqual({
      workflow_input_name: 'limit',
      adapter_id: 'demo-adapter-python',
      ref_id: 'root.plantA.picklingUnit.influx.temp',
      ref_id_type: 'SOURCE',
      ref_key: null,
      type: 'timeseries(float)',
      filters: { value: '1.3' },
      use_default_value: false,
    });
  });

  test('HD-10: a filter of null is the empty text', () => {
    expect(parse({ input_wirings: [input('a', { filters: { value: null } })] }).input_wirings[0]?.filters).toEqual({
      value: '',
    });
  });

  test.each([
    ['metadata(any)', { ref_key: 'unit', ref_id_type: 'SOURCE' }],
    ['timeseries(object)', {}],
    ['series(int)', {}],
    ['dataframe', {}],
    ['multitsframe', {}],
  ])('may have the type %s', (type, more) => {
    expect(problems({ input_wirings: [input('a', { type, ...more })] })).toEqual([]);
  });
});

describe('HD-09: refused are', () => {
  test.each<[string, object, string]>([
    ['names that are used twice', { input_wirings: [input('a'), input('a')] }, 'input_wirings.1.workflow_input_name'],
    ['and of outputs', { output_wirings: [output('a'), output('a')] }, 'output_wirings.1.workflow_output_name'],
    ['reserved keys of filters', { input_wirings: [input('a', { filters: { from: 'x' } })] }, 'filters.from'],
    ['short keys of filters', { input_wirings: [input('a', { filters: { v: 'x' } })] }, 'filters.v'],
    ['names that are no identifiers', { input_wirings: [input('a b')] }, 'workflow_input_name'],
    ['keywords', { output_wirings: [output('class')] }, 'workflow_output_name'],
    ['adapters that are no ids', { output_wirings: [output('a', 1.5)] }, 'adapter_id'],
    ['types that do not exist', { input_wirings: [input('a', { type: 'timeseries(text)' })] }, 'type'],
  ])('%s', (_title, wiring, place) => {
    expect(problems(wiring)).toEqual([expect.stringContaining(place)]);
  });

  test('HD-11: metadata without its reference', () => {
    expect(problems({ input_wirings: [input('a', { type: 'metadata(int)' })] })).toEqual([
      'input_wirings.0.ref_key: text: metadata(int) is found by ref_id_type and ref_key',
      'input_wirings.0.ref_id_type: text: metadata(int) is found by ref_id_type and ref_key',
    ]);
  });
});

describe('a wiring and the inputs and outputs of a revision', () => {
  const faults = (wiring: object) => findWiringFaults(parse(wiring), declared).map(({ message }) => message);

  test('HD-05: a required input must be wired', () => {
    expect(faults({ input_wirings: [input('limit')] })).toEqual(['the required input "series" is not wired']);
  });

  test('HD-06: nothing else may be wired', () => {
    expect(
      faults({ input_wirings: [input('series'), input('x')], output_wirings: [output('days'), output('y')] }),
    ).toEqual([
      'there is no input "x"; the inputs are series, limit, label',
      'there is no output "y"; the outputs are days, plot',
    ]);
  });

  test('HD-07: the default of a required input cannot be used', () => {
    expect(faults({ input_wirings: [input('series', { use_default_value: true })] })).toEqual([
      'the input "series" has no default; wire it without use_default_value',
    ]);
  });

  test('HD-07: defaults are used for optional inputs that are not wired, and on request', () => {
    const wiring = parse({ input_wirings: [input('series'), input('limit', { use_default_value: true })] });
    expect(findWiringFaults(wiring, declared)).toEqual([]);
    const { loaded, defaults } = completeWiring(wiring, declared);
    expect(loaded.map(({ workflow_input_name: name }) => name)).toEqual(['series']);
    expect(defaults).toEqual({ limit: 1.3, label: null });
  });

  test('HD-08: an output that is not wired is part of the answer', () => {
    const wiring = parse({ input_wirings: [input('series')], output_wirings: [output('plot')] });
    expect(completeWiring(wiring, declared).stored.map((each) => [each.workflow_output_name, each.adapter_id])).toEqual(
      [
        ['days', 'direct_provisioning'],
        ['plot', 'blobs'],
      ],
    );
  });
});
