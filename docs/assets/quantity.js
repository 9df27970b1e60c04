// A number with its unit, as generator/pages/quantities.py writes it: 3.4, up to 2.3×, 50%, 338.83 G.
export function quantity(value, unit = "") {
  const [, words, digits] = /^(.*?)(-?[\d.]+)$/.exec(String(value));
  const text = Number(digits).toLocaleString("en", { maximumFractionDigits: 4 });
  const space = ["", "×", "%"].includes(unit) || unit.startsWith("/") ? "" : "\u202f";
  return `${words}${text}${space}${unit}`;
}
