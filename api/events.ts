/** Reasons of the events we write (api.md, Events), each with its kind: Warning wants a human's eye. */

export const EVENTS = {
  Created: "Normal",
  PrimaryElected: "Normal",
  SwitchedOver: "Normal",
  FailedOver: "Warning",
  Fenced: "Warning",
  QuorumLost: "Warning",
  QuorumRegained: "Normal",
  MemberJoined: "Normal",
  MemberRemoved: "Normal",
  Recovered: "Warning",
  Rewound: "Warning",
  Cloned: "Normal",
  Diverged: "Warning",
  TransactionsDiscarded: "Warning",
  Restarted: "Normal",
  ConfigApplied: "Normal",
  ConfigUndone: "Warning",
  VolumeGrown: "Normal",
  DiskFilling: "Warning",
  Upgraded: "Normal",
  CertificateRenewed: "Normal",
  PasswordsRotated: "Normal",
  Stopped: "Normal",
  Started: "Normal",
  Promoted: "Normal",
  Demoted: "Normal",
  ArchiveGap: "Warning",
  Refused: "Warning",
} as const satisfies Record<string, "Normal" | "Warning">;

export type EventReason = keyof typeof EVENTS;
