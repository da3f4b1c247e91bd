/** From problems to what the API server is told. Pure; index.ts alone speaks Pepr. */
import { formatDenial, formatWarnings, type Problem } from "../api/problem";

export type Answer =
  | { readonly allowed: true; readonly warnings: string[] }
  | { readonly allowed: false; readonly message: string };

/** Refused with every error at once, or allowed with advice and plan as warnings. */
export function answer(problems: readonly Problem[]): Answer {
  const message = formatDenial(problems);
  return message === undefined
    ? { allowed: true, warnings: formatWarnings(problems) }
    : { allowed: false, message };
}

/**
 * The answer of a review, also when it breaks: Pepr would deny with "Action failed with error: {}", which tells the
 * user nothing (pepr-facts.md, 1.2).
 */
export async function safely(
  review: () => Promise<readonly Problem[]> | readonly Problem[],
): Promise<Answer> {
  try {
    return answer(await review());
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    return {
      allowed: false,
      message: `Porpoise could not check this: ${what}. This is a bug; please report it.`,
    };
  }
}
