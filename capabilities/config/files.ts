/** Files of ConfigMap `<c>-config`. Pure. */

/** Key of my.cnf in the ConfigMap, and its name in every pod. */
export const MY_CNF = "my.cnf";

/** Key of a pool's my.cnf: its instances may have other memory, which sizes the defaults. */
export function poolCnf(pool: string): string {
  return `pool-${pool}.cnf`;
}
