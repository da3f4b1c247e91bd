/** Sizes: Kubernetes' quantities ("10Gi", "500M") and MySQL's own ("20G", "512M", where K, M, G are powers of 1024). */

const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi"];
const DECIMAL = ["k", "M", "G", "T", "P"];
const MYSQL = ["K", "M", "G", "T", "P"];

/** Bytes of a Kubernetes quantity of memory or storage; a number is bytes. @throws Error for any other text. */
export function parseQuantity(text: string | number): number {
  const match = /^(\d+(?:\.\d+)?)([kMGTP]|[KMGTP]i)?$/.exec(String(text));
  if (match === null) throw new Error(`not a quantity: "${text}"; write a number and Ki, Mi, Gi or Ti`);
  const unit = match[2] ?? "";
  const factor = BINARY.includes(unit)
    ? 1024 ** (BINARY.indexOf(unit) + 1)
    : 1000 ** (DECIMAL.indexOf(unit) + 1);
  return Math.floor(Number(match[1]) * factor);
}

/** Bytes of a size as mysqld reads it ("20G", "512m", "1048576"); undefined when it is none. */
export function parseMysqlSize(text: string): number | undefined {
  const match = /^(\d+)([kmgtp])?$/i.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * 1024 ** (MYSQL.indexOf((match[2] ?? "").toUpperCase()) + 1);
}

/** A size for mysqld, rounded down to whole gigabytes or, below four of them, megabytes. */
export function formatMysqlSize(bytes: number): string {
  const gigabytes = Math.floor(bytes / 1024 ** 3);
  return gigabytes >= 4 ? `${gigabytes}G` : `${Math.floor(bytes / 1024 ** 2)}M`;
}

/** Bytes as a Kubernetes quantity, rounded down to a tenth of the largest unit: "8.2Gi". */
export function formatQuantity(bytes: number): string {
  for (let power = BINARY.length; power >= 1; power -= 1) {
    if (bytes >= 1024 ** power)
      return `${Math.floor((bytes / 1024 ** power) * 10) / 10}${BINARY[power - 1] ?? ""}`;
  }
  return String(Math.floor(bytes));
}
