/** The agents' logs of an incident as one story, in the order of their clocks: who did what when. Pure. */

interface Line {
  readonly time: string;
  readonly text: string;
}

const NOISE = new Set(["level", "time", "instance", "msg"]);

/** `logs`: name → what its supervisor, agent and mysqld wrote. */
export function story(logs: Readonly<Record<string, string>>): string {
  const lines = Object.entries(logs).flatMap(([name, text]) =>
    text.split("\n").flatMap((line) => lineOf(name, line) ?? []),
  );
  lines.sort((a, b) => (a.time < b.time ? -1 : 1));
  return `${lines.map(({ time, text }) => `${time.slice(11, 23)} ${text}`).join("\n")}\n`;
}

function lineOf(name: string, line: string): Line | undefined {
  const mysqld = /^mysqld \| (\S+Z) (.*)$/.exec(line);
  if (mysqld?.[1] !== undefined)
    return /could not be resolved/.test(line)
      ? undefined
      : { time: mysqld[1], text: `${name} mysqld ${mysqld[2]?.slice(0, 200)}` };
  const json = /^agent \| (\{.*\})$/.exec(line)?.[1];
  if (json === undefined) return undefined;
  const fields = parse(json);
  if (fields === undefined) return undefined;
  const rest = Object.entries(fields).filter(([key]) => !NOISE.has(key));
  const told = JSON.stringify(Object.fromEntries(rest)).slice(0, 240);
  return { time: String(fields["time"]), text: `${name} ${String(fields["msg"])} ${told}` };
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return undefined; // Cut off when its writer was killed.
  }
}
