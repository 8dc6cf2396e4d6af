/**
 * In what the Asterisks that are simulated differ, as one table. 16.28 and 22.10 are held to recordings; the other two
 * are from Asterisk's source (tags 1.8.32.3 and 22.11.0-rc1) and were never compared with a running one.
 */

export interface Shape {
  /** What the banner says, and CoreSettings. */
  readonly ami: string;
  readonly asterisk: string;
  /**
   * What hints tell (main/pbx.c; `kept`: main/extension_state.c). `silent`: changes only. `told`: also each hint that a
   * reload or a question makes. `kept`: they outlive a reload that leaves them as they were, and tell their end.
   */
  readonly hints: 'silent' | 'told' | 'kept';
  /**
   * Since 13: ExtensionStateList, DeviceStateList, PresenceStateList, the events of devices and presence, StatusText,
   * the Reload event of a module, the times in FullyBooted, and lists that say where they begin and end.
   */
  readonly since13: boolean;
  /** Up to 11: one channel takes the name of another (Masquerade, Rename), Hold has a Status, and headers are fewer. */
  readonly renames: boolean;
  /** res_mwi_devstate gives mailboxes a device each. */
  readonly mailboxDevices: boolean;
  /** Headers that came after 16. */
  readonly since18: boolean;
}

export type ShapeName = '1.8' | '16.28' | '22.10' | '22.11';

const NOW = { since13: true, renames: false, mailboxDevices: true } as const;

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  '1.8': {
    ami: '1.1',
    asterisk: '1.8.32.3',
    hints: 'silent',
    since13: false,
    renames: true,
    mailboxDevices: false,
    since18: false,
  },
  '16.28': { ...NOW, ami: '5.0.4', asterisk: '16.28.0', hints: 'told', since18: false },
  '22.10': { ...NOW, ami: '11.0.0', asterisk: '22.10.1', hints: 'told', since18: true },
  // The same banner as before: AMI's version was not raised.
  '22.11': { ...NOW, ami: '11.0.0', asterisk: '22.11.0', hints: 'kept', since18: true },
};
