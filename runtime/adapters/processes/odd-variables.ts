/** Carries the variables whose names a shell does not pass on. */
const carrier = 'KFLOW_ODD_VARIABLES';

/**
 * The environment of a program that a shell starts. A shell drops variables with names like `a.b`, which Kubernetes allows;
 * their values must not be arguments of a command either, since everybody on the machine can read those. So they are the
 * value of one variable, from which `unpackOddVariables` restores them in the program.
 */
export function packOddVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isOdd = ([name]: readonly [string, unknown]) => !/^[A-Za-z_]\w*$/.test(name);
  const entries = Object.entries(env).filter(([, value]) => value !== undefined);
  const odd = entries.filter(isOdd);
  if (odd.length === 0) return env;
  const plain = entries.filter((entry) => !isOdd(entry));
  return { ...Object.fromEntries(plain), [carrier]: JSON.stringify(Object.fromEntries(odd)) };
}

/** Restores the variables in the environment of this process. */
export function unpackOddVariables(env: NodeJS.ProcessEnv): void {
  const packed = env[carrier];
  if (packed === undefined) return;
  delete env[carrier];
  Object.assign(env, JSON.parse(packed));
}
