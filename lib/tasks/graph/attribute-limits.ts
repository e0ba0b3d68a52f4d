/** What the attributes of executions may be, in the language and in requests. */
export const attributeLimits = { name: /^[A-Za-z_][\w.-]{0,62}$/, valueLength: 256, count: 20 } as const;
