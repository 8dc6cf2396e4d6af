/**
 * The part of asterisk-manager 0.2.0 that `connection.ts` uses. The package ships no types; what is left out
 * here (keepConnected, disconnect, isConnected) must not be used, see the header of `connection.ts`.
 */
declare module 'asterisk-manager' {
  export interface Manager {
    connect(port: number, host: string, callback?: () => void): void;
    action: (action: Record<string, string>, callback?: (error?: unknown) => void) => string;
    removeAllListeners(event: string): void;
  }
  /** Without a port it does not connect by itself. */
  export default function createManager(
    port: undefined,
    host: string,
    username: string,
    password: string,
  ): Manager;
}
