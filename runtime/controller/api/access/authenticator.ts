import type { Caller } from './caller';

/**
 * Tells who has a token. Throws ApiError 403 for somebody without a role, and ConfigError `server-failed` when it cannot
 * know now.
 */
export interface Authenticator {
  /** Undefined for a token that is none of its own, or no longer. */
  identify(token: string): Promise<Caller | undefined>;
}
