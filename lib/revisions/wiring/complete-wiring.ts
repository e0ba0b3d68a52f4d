import type { DataType } from '../data-type';
import { directProvisioning, type InputWiring, type OutputWiring, type Wiring } from './wiring-schema';

/** An input or output that a revision declares. */
export interface DeclaredValue {
  readonly name: string;
  readonly type: DataType;
  /** Of an input that need not be wired: its value then. */
  readonly default?: { readonly value: unknown };
}

/** The inputs and outputs of a revision. */
export interface Declared {
  readonly inputs: readonly DeclaredValue[];
  readonly outputs: readonly DeclaredValue[];
}

/** Where a wiring and the revision disagree. */
export interface WiringFault {
  /** Path in the wiring; that of a list for a wiring that is missing. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Every required input without a wiring, and every wiring of an input or output that does not exist. */
export function findWiringFaults(wiring: Wiring, { inputs, outputs }: Declared): readonly WiringFault[] {
  const { input_wirings: given, output_wirings: taken } = wiring;
  const names = new Set(inputs.map(({ name }) => name));
  const wired = new Map(given.map((each) => [each.workflow_input_name, each]));
  const missing = inputs.filter(({ name, default: value }) => {
    const found = wired.get(name);
    return value === undefined && (found === undefined || found.use_default_value);
  });
  return [
    ...missing.map(({ name }) => ({
      path: ['input_wirings'],
      message: wired.has(name)
        ? `the input "${name}" has no default; wire it without use_default_value`
        : `the required input "${name}" is not wired`,
    })),
    ...given.flatMap(({ workflow_input_name: name }, index) =>
      names.has(name) ? [] : [surplus(['input_wirings', index, 'workflow_input_name'], 'input', name, inputs)],
    ),
    ...taken.flatMap(({ workflow_output_name: name }, index) =>
      outputs.some((output) => output.name === name)
        ? []
        : [surplus(['output_wirings', index, 'workflow_output_name'], 'output', name, outputs)],
    ),
  ];
}

function surplus(
  path: WiringFault['path'],
  kind: 'input' | 'output',
  name: string,
  known: readonly DeclaredValue[],
): WiringFault {
  const names = known.map((each) => each.name).join(', ');
  const others = names === '' ? `there are no ${kind}s` : `the ${kind}s are ${names}`;
  return { path, message: `there is no ${kind} "${name}"; ${others}` };
}

/** Where each value of an execution comes from and goes to. */
export interface CompleteWiring {
  /** Inputs that an adapter loads. */
  readonly loaded: readonly InputWiring[];
  /** Inputs with their defaults, by name. */
  readonly defaults: { readonly [input: string]: unknown };
  /** One for each output. */
  readonly stored: readonly OutputWiring[];
}

/** A wiring without faults, with the defaults of inputs; outputs that it does not name are part of the answer. */
export function completeWiring(wiring: Wiring, { inputs, outputs }: Declared): CompleteWiring {
  const loaded = wiring.input_wirings.filter((each) => !each.use_default_value);
  const isLoaded = new Set(loaded.map(({ workflow_input_name: name }) => name));
  const others = inputs.filter(({ name }) => !isLoaded.has(name));
  const stored = outputs.map(
    ({ name }) => wiring.output_wirings.find((each) => each.workflow_output_name === name) ?? directly(name),
  );
  return {
    loaded,
    defaults: Object.fromEntries(others.map(({ name, default: value }) => [name, value?.value])),
    stored,
  };
}

function directly(name: string): OutputWiring {
  return {
    workflow_output_name: name,
    adapter_id: directProvisioning,
    ref_id: null,
    ref_id_type: null,
    ref_key: null,
    type: null,
    filters: {},
  };
}
