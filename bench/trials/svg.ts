/** Just enough SVG for the figures: elements as text. Pure. */

export type Attributes = Readonly<Record<string, string | number>>;

/** Text and attributes are escaped here, and nowhere else. */
const escape = (text: string): string =>
  text.replace(
    /[&<>"]/g,
    (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char] ?? char,
  );

const number = (value: number): string => String(Math.round(value * 100) / 100);

function open(name: string, attributes: Attributes): string {
  const words = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? number(value) : escape(value)}"`,
  );
  return `<${name}${words.join("")}`;
}

/** A shape without content. */
export const shape = (name: string, attributes: Attributes): string => `${open(name, attributes)}/>`;

/** A line of text. */
export const text = (content: string, attributes: Attributes): string =>
  `${open("text", attributes)}>${escape(content)}</text>`;

/** A bar that says its figure when it is pointed at. */
export const bar = (title: string, attributes: Attributes): string =>
  `${open("rect", attributes)}><title>${escape(title)}</title></rect>`;

/** A whole picture on white: it is looked at on pages of any colour. */
export function picture(width: number, height: number, content: readonly string[]): string {
  const head = open("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${number(width)} ${number(height)}`,
    width,
    height,
    "font-family": "system-ui, sans-serif",
    "font-size": 12,
  });
  const ground = shape("rect", { width: "100%", height: "100%", fill: "#ffffff" });
  return [`${head}>`, ground, ...content, "</svg>", ""].join("\n");
}
