/**
 * Asks a real mysqld which options it takes, and writes api/generated/variables-<series>.json.
 *
 *   npx tsx scripts/mysql-variables.ts <root>     root = directory an engine image was unpacked into; needs root
 *
 * Nothing here is typed from the manual: `mysqld --verbose --help` says what may stand in my.cnf, a running server
 * says which of them SET GLOBAL takes (error 1238 = only at start), performance_schema their types, and
 * --validate-config which take no value and so cannot be set in a map. Run it again for a new patch of MySQL.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** Plugins that every instance of ours loads: without them their options would be unknown. */
const PLUGINS = "semisync_source.so;semisync_replica.so;mysql_clone.so";

/** Runs inside a chroot with a private /tmp: the engine's directory stays as it was. */
const ASK = `
set -eu
D="--no-defaults --user=root --secure-file-priv=NULL"
mysqld $D --initialize-insecure --datadir=/tmp/data --plugin-load-add="${PLUGINS}" 2>/tmp/init.log
mysqld $D --verbose --help --plugin-load-add="${PLUGINS}" --datadir=/tmp/data >/tmp/help.txt 2>/tmp/help.log
mysqld $D --datadir=/tmp/data --socket=/tmp/s --skip-networking --mysqlx=OFF --pid-file=/tmp/pid \
  --log-error=/tmp/err.log --plugin-load-add="${PLUGINS}" &
server=$!
for i in $(seq 1 120); do mysql -uroot -S /tmp/s -e "SELECT 1" >/dev/null 2>&1 && break; sleep 0.5; done
sql() { mysql --force --skip-column-names -uroot -S /tmp/s "$@"; }
sql -e "SELECT variable_name, variable_scope, data_type FROM performance_schema.variables_metadata" >/tmp/meta.txt
cut -f1 /tmp/meta.txt | sed 's/.*/SET GLOBAL & = DEFAULT;/' | sql 2>/tmp/set.err >/dev/null || true
sql -e "SELECT VERSION()" >/tmp/version.txt
kill $server; wait $server || true
sed -n '/^Variables (--variable/,$p' /tmp/help.txt | sed -n 's/^\\([a-z][a-z0-9-]*\\)  *.*/\\1/p' | while read option; do
  if mysqld $D --validate-config --$option=1 2>&1 | grep -q "cannot take an argument"; then echo $option; fi
done >/tmp/flags.txt
`;

const PSEUDO = new Set(["help", "verbose", "validate-config", "version", "print-defaults"]);

function main(root: string): void {
  const work = mkdtempSync(path.join(tmpdir(), "variables-"));
  try {
    const mounted = `mount --bind '${work}' '${root}/tmp' && exec chroot '${root}' bash -c "$ASK"`;
    execFileSync("unshare", ["-m", "bash", "-c", mounted], {
      env: { ...process.env, ASK },
      timeout: 300_000,
    });
    const read = (file: string): string => readFileSync(path.join(work, file), "utf8");
    const version = read("version.txt").trim().replace(/-.*/, "");
    const out = { version, options: optionsOf(read) };
    const target = path.join(__dirname, `../api/generated/variables-${version.replace(/\.\d+$/, "")}.json`);
    writeFileSync(target, `${JSON.stringify(out, null, 1)}\n`);
    console.log(`${path.basename(target)}: MySQL ${version}, ${Object.keys(out.options).length} options`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** "online int", "restart bool", … by option name with underscores. */
function optionsOf(read: (file: string) => string): Record<string, string> {
  const fixed = new Set([...read("set.err").matchAll(/ERROR (?:1238|1228) .*?'([^']+)'/g)].map((m) => m[1]));
  const types = new Map(
    read("meta.txt")
      .trim()
      .split("\n")
      .map((line) => line.split("\t"))
      .map(([name = "", , type = ""]) => [name, type]),
  );
  const flags = new Set(read("flags.txt").trim().split("\n"));
  const table = read("help.txt").split(/^-{20,} -+$/m)[1] ?? "";
  // A value may be empty ("init-connect   "), and a long name leaves one space before it.
  const names = [...(table.split("\n\n")[0] ?? "").matchAll(/^([a-z][a-z0-9-]*)(?: |$)/gm)].map(
    (m) => m[1] ?? "",
  );
  const entries = names
    .filter((name) => !PSEUDO.has(name) && !flags.has(name))
    .map((option): [string, string] => {
      const name = option.replaceAll("-", "_");
      const when = types.has(name) && !fixed.has(name) ? "online" : "restart";
      return [name, `${when} ${shortType(types.get(name))}`];
    });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shortType(type: string | undefined): string {
  const short: Record<string, string> = {
    Boolean: "bool",
    Integer: "int",
    Numeric: "number",
    Enumeration: "enum",
    Set: "set",
  };
  return short[type ?? ""] ?? "text";
}

const root = process.argv[2];
if (root === undefined)
  throw new Error("usage: npx tsx scripts/mysql-variables.ts <root of an unpacked engine image>");
main(root);
