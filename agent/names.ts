/** Instance name of a member id `<instance>.<nonce>` (raft/types.ts, MemberId). Pure. */
export function instanceOf(memberId: string): string {
  const dot = memberId.lastIndexOf(".");
  return dot < 0 ? memberId : memberId.slice(0, dot);
}
