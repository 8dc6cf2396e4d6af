import { transportContract } from './contract.ts';
import { MemoryNetwork } from './memory.ts';

transportContract('memory', async () => {
  const network = new MemoryNetwork();
  return {
    transport: async (tag, { listen }) => network.transport(tag, { listen }),
    peer: (tag, { dial, wrongKey }) => ({
      ...network.peer(tag, dial),
      ...(wrongKey && { fingerprint: 'another key' }),
    }),
    key: (tag) => network.peer(tag, false).fingerprint ?? '',
    close: async () => {},
  };
});
