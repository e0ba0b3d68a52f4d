import { MemoryLetters } from '../support/memory-letters';
import { describeLetters } from './letters-suite';

describeLetters('letters in memory', async () => {
  const letters = new MemoryLetters();
  const add = async (flow: Parameters<MemoryLetters['add']>[0], functionId: string, text: string) =>
    void letters.add(flow, functionId, { payload: Buffer.from(text) });
  return { letters, open: async () => undefined, add };
});
