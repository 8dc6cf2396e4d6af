/**
 * The zeromq package, which is optional: loaded when a config first asks for it, never before. Owns that one
 * `import()` and the words for when it cannot be had.
 */
export type { Context, Dealer, Event, Observer, Reply, SocketOptions } from 'zeromq';

export type ZeroMqLibrary = typeof import('zeromq');

let loading: Promise<ZeroMqLibrary> | undefined;

/** Loads it once. Rejects with a sentence that says how to mend it. */
export function loadZeroMq(
  load: () => Promise<ZeroMqLibrary> = () => import('zeromq'),
): Promise<ZeroMqLibrary> {
  loading ??= load().catch((error: Error & { code?: string }) => {
    loading = undefined;
    throw new Error(whyNot(error), { cause: error });
  });
  return loading;
}

function whyNot({ code, message }: Error & { code?: string }): string {
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return 'the optional package zeromq is not installed; install Hintmesh again without --omit=optional and restart the broker, or set transport: websocket';
  }
  const first = message.split('\n', 1)[0];
  return `the optional package zeromq is installed, but cannot be loaded here (${first}); "npm rebuild zeromq" builds it for this machine, or set transport: websocket`;
}
