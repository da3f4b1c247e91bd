import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Every file at or below a path, sorted by name; none when there is no such path. */
export function filesBelow(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}
