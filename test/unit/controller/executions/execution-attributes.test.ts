import {
  ExecutionController,
  type ExecutionControllerProps,
} from '../../../../runtime/controller/executions/service/execution-controller';

const flow = '@flow marked (- attributes: {team: billing, level: 3} -) A';

/** A controller that starts whatever is asked for. */
function controller(): ExecutionController {
  const store = { add: async () => undefined };
  const workflows = { start: async () => true };
  const values = { put: async (_namespace: string, _key: string, value: unknown) => value };
  return new ExecutionController({ store, workflows, values } as unknown as ExecutionControllerProps);
}

test('an execution has the attributes of its flow, which the request adds to and overrides', async () => {
  const attributesOf = async (attributes: { readonly [name: string]: string }) =>
    (await controller().start('team', { flow, input: {}, attributes }, { by: 'tester' })).execution.attributes;
  expect(await attributesOf({})).toEqual({ team: 'billing', level: '3' });
  expect(await attributesOf({ team: 'sales', by: 'hand' })).toEqual({ team: 'sales', level: '3', by: 'hand' });
});

test('attributes of the flow and of the request that are too many together are refused', async () => {
  const attributes = Object.fromEntries(Array.from({ length: 19 }, (_, at) => [`a${at}`, '']));
  const started = controller().start('team', { flow, input: {}, attributes }, { by: 'tester' });
  await expect(started).rejects.toMatchObject({ code: 'config-invalid' });
});
