import type { FastifySchemaValidationError } from 'fastify';

const words: { readonly [expected: string]: string } = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

/** What is wrong with a part of a request, to stand after its place: `must be 1 or more`. A schema's own words stay. */
export function requestFault({ keyword, message = 'is wrong', params }: FastifySchemaValidationError): string {
  if (!/^(Invalid|Too|Unrecognized) /.test(message)) return message;
  const { expected, keys, values, origin, minimum, maximum } = params as {
    readonly [key: string]: string | readonly unknown[];
  };
  switch (keyword) {
    case 'invalid_type':
      return typeFault(words[String(expected)] ?? String(expected), /received (\w+)$/.exec(message)?.[1]);
    case 'unrecognized_keys':
      return `unknown ${[keys].flat().length === 1 ? 'key' : 'keys'} ${[keys]
        .flat()
        .map((key) => `"${key}"`)
        .join(', ')}`;
    case 'invalid_value':
      return `must be one of ${[values].flat().join(', ')}`;
    case 'too_small':
      return origin === 'number' || origin === 'int' ? `must be ${minimum} or more` : message;
    case 'too_big':
      return origin === 'number' || origin === 'int' ? `must be ${maximum} at most` : `is longer than ${maximum}`;
    default:
      return message;
  }
}

function typeFault(wanted: string, received: string | undefined): string {
  if (received === 'undefined') return `is missing; it must be ${wanted}`;
  return `must be ${wanted}${received === undefined || received === 'NaN' ? '' : `, got ${words[received] ?? received}`}`;
}
