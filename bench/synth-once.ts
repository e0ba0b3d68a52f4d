import { synthesizeOnce } from './synth';

const [size, kind] = process.argv.slice(2);
synthesizeOnce(Number(size), String(kind));
