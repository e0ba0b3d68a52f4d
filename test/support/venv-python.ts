import { homedir } from 'node:os';
import path from 'node:path';

/** The Python with the packages of the tests, once `sh tools/python-venv.sh` has made it. */
export const venvPython = path.join(homedir(), '.cache/kflow/python-venv/bin/python');
