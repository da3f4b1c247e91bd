/**
 * The accounts people use, made by the leader after it opened: logged, so that all members have them, and only when
 * a secret's password is another one than was last made (a salted digest of it lies beside the accounts).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { escape } from "mysql2";
import type { Secrets } from "./options";
import type { Server } from "./server";
import { messageOf, type Session } from "./session";
import { appAccount, rootAccount } from "./sql";

interface Wanted {
  readonly name: string;
  /** All that, when changed, is a reason to make the account anew. */
  readonly content: string;
  readonly statements: readonly string[];
}

/** Makes what is missing or changed. @throws the server's error; the next opening or `provision` tries again. */
export async function provision(server: Server): Promise<void> {
  const session = server.session("provision");
  for (const wanted of wantedAccounts(await server.options.secrets(), server.options.rootHosts)) {
    if (await isMade(session, wanted)) continue;
    for (const statement of wanted.statements) await session.query(statement);
    await session.query(noteMade(wanted));
    server.options.log("account made", { account: wanted.name });
  }
}

/** Never in the way of a failover: its failure is logged. */
export function provisionLater(server: Server): void {
  void provision(server).catch((error: unknown) =>
    server.options.log("accounts not made", { error: messageOf(error) }),
  );
}

export function wantedAccounts({ root, app }: Secrets, rootHosts: readonly string[]): Wanted[] {
  const wanted: Wanted[] = [];
  if (root !== undefined)
    wanted.push({
      name: `root:${root.username}`,
      content: JSON.stringify([root.password, rootHosts]),
      statements: rootAccount(root, rootHosts),
    });
  if (app !== undefined)
    wanted.push({
      name: `app:${app.username}`,
      content: JSON.stringify([app.password, app.database]),
      statements: appAccount(app),
    });
  return wanted;
}

const digest = (salt: string, content: string): Buffer =>
  createHash("sha256").update(salt).update(content).digest();

async function isMade(session: Session, { name, content }: Wanted): Promise<boolean> {
  const [row] = await session.query(`SELECT salt, digest FROM porpoise.account WHERE name = ${escape(name)}`);
  if (row === undefined) return false;
  const made = Buffer.from(String(row["digest"]), "hex");
  return made.length === 32 && timingSafeEqual(made, digest(String(row["salt"]), content));
}

function noteMade({ name, content }: Wanted): string {
  const salt = randomBytes(16).toString("hex");
  const values = [name, salt, digest(salt, content).toString("hex")].map((value) => escape(value)).join(", ");
  return `REPLACE INTO porpoise.account (name, salt, digest) VALUES (${values})`;
}
