#!/usr/bin/env node
import { runProgram } from './frame/run-program';
import { groups } from './registry';

// when the reader of stdout closes the pipe early, the command still runs to its end
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runProgram(groups, process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
