/** Passwords: long, from the kernel's randomness, and free of characters that a URL, a shell or an option file reads. */
import { randomInt } from "node:crypto";

const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_";

/** spec.passwords.length = 24: 141 bits. It begins with a letter: "-x" as an argument would be an option. */
export function makePassword(length = 24): string {
  const pick = (alphabet: string) => alphabet.charAt(randomInt(alphabet.length));
  return pick(ALPHABET.slice(0, 49)) + Array.from({ length: length - 1 }, () => pick(ALPHABET)).join("");
}
