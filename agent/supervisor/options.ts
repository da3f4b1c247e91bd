/** How the agent is started: its words, then the bundle where it runs from one. */
export interface AgentCommand {
  readonly words: readonly string[];
  readonly bundle?: string;
}

/** The supervisor's settings, all from its environment; the defaults are those of the pod. */
export interface SupervisorOptions {
  readonly socket: string;
  readonly agent: AgentCommand;
  /** How long a shutdown may take before mysqld is killed. Below the pod's terminationGracePeriodSeconds. */
  readonly shutdownLimitMs: number;
  /** The lease an arming without a beat gives. */
  readonly graceMs: number;
}

/**
 * The agent lives on a small heap: V8's own sizes let it grow to 135-175 MB resident within a minute, with these it
 * stays at about 105 MB, 52 MB of which are Node.js itself (three agents at rest, Node 24).
 */
const AGENT_HEAP = ["--max-semi-space-size=1", "--max-old-space-size=96"];

/** @throws Error naming the variable that is not a whole number. */
export function readOptions(env: NodeJS.ProcessEnv, execPath: string, directory: string): SupervisorOptions {
  return {
    socket: env["PORPOISE_SUPERVISOR_SOCKET"] ?? "/run/mysqld/supervisor.sock",
    agent: agentCommand(env["PORPOISE_AGENT_COMMAND"]) ?? {
      words: [execPath, ...AGENT_HEAP],
      bundle: `${directory}/agent.js`,
    },
    shutdownLimitMs: milliseconds(env, "PORPOISE_SHUTDOWN_LIMIT_MS", 50_000),
    graceMs: milliseconds(env, "PORPOISE_WATCHDOG_GRACE_MS", 1_000),
  };
}

/** A JSON array of strings, so that arguments need no shell. */
function agentCommand(text: string | undefined): AgentCommand | undefined {
  if (text === undefined) return undefined;
  const parsed: unknown = JSON.parse(text);
  const words = Array.isArray(parsed)
    ? parsed.filter((word): word is string => typeof word === "string")
    : [];
  if (words.length === 0) throw new Error("PORPOISE_AGENT_COMMAND is not a JSON array of strings");
  return { words };
}

function milliseconds(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (text === undefined) return fallback;
  if (!/^\d+$/.test(text)) throw new Error(`${name} is not a whole number of milliseconds: "${text}"`);
  return Number(text);
}
