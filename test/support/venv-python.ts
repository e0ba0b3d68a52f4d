import { homedir } from 'node:os';
import path from 'node:path';

/** The Python with fastavro, numpy and pandas, if `sh tools/python-venv.sh` has made it. */
export const venvPython = path.join(homedir(), '.cache/kflow/python-venv/bin/python');
