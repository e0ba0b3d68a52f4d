import { defineCommand } from '../../frame/command';
import { setOption } from '../../frame/shared-options';
import { argumentList, BadValue, choiceOption, flag, option, type Parse, text, withDefault } from '../../frame/values';

const pattern: Parse<RegExp> = (value) => {
  try {
    return new RegExp(value);
  } catch {
    throw new BadValue('want a regular expression');
  }
};

export const test = defineCommand({
  name: 'test',
  summary: 'test functions and chains of functions, without servers',
  details: `The tests of topology.yaml are its "tests", and those of the file
topology.test.yaml beside it. In a directory, all files of tests and all
topologies with tests are run.`,
  arguments: {
    files: argumentList({
      name: 'file',
      description: 'topologies, files of tests (NAME.test.yaml), or directories',
      parse: text,
    }),
  },
  options: {
    set: setOption,
    only: option('<pattern>', 'run only the tests whose names match a regular expression', { parse: pattern }),
    update: flag('write what the functions give into the tests, in place of what is expected'),
    format: withDefault(choiceOption(['text', 'json'], 'output format', { placeholder: '<format>' }), 'text'),
    junit: option('<file>', 'write a report in the XML of JUnit, too', { parse: text }),
    logs: flag('show the logs of the functions of tests that pass, too'),
  },
  async run(options) {
    const { runTests } = await import('./run-tests.js');
    return runTests(options);
  },
});
