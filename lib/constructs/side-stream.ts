import { OutputStream } from './output-stream';

/** A stream beside the main ones: a side output of a function, or the records of a flow that were given up on. */
export class SideStream extends OutputStream {}
