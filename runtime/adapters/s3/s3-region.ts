import type { ForeignError } from './object-store-error';

/** The region of signatures until a server names another one. */
export const defaultRegion = 'us-east-1';

const regionErrors = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'TemporaryRedirect',
  'IncorrectEndpoint',
  'IllegalLocationConstraintException',
  'InvalidRegion',
]);

/** The region that a server expects, if the error says that the request was signed for, or sent to, another one. */
export function expectedRegion(error: unknown): string | undefined {
  const { name, message = '', Region, $response, $metadata } = error as Partial<ForeignError>;
  if (!regionErrors.has(name ?? '') && $metadata?.httpStatusCode !== 301) return undefined;
  // "the region 'us-east-1' is wrong; expecting 'eu-central-1'"
  const named = /expecting ["']([^"']+)["']/.exec(message)?.[1];
  const region = $response?.headers?.['x-amz-bucket-region'] ?? Region ?? named;
  return region !== undefined && /^[a-zA-Z0-9-]{1,64}$/.test(region) ? region : undefined;
}
