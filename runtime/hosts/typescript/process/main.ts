import { runSession } from './session';

/** The process that runs one replica's user code in TypeScript or JavaScript. */
runSession();
