/** Durations as api.md writes them: a whole number and one of ms, s, m, h, d. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of "150ms", "10s", "1h". @throws Error for any other text; the schema's patterns let none through. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (match === null || unit === undefined)
    throw new Error(`not a duration: "${text}"; write a number and ms, s, m, h or d`);
  return Number(match[1]) * unit;
}

/** "150ms", "10s", "2m": in the largest unit that takes no fraction. Below zero is zero. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.max(0, Math.round(milliseconds));
  if (whole === 0) return "0s";
  const [unit, size] = Object.entries(UNIT_MS)
    .reverse()
    .find(([, candidate]) => whole % candidate === 0) ?? ["ms", 1];
  return `${whole / size}${unit}`;
}
