// Reads lines of "value from to" and answers each with one line.
import { readFileSync } from "node:fs";
import { UNITS } from "./units.mjs";

// Six digits after the point, rounded by arithmetic that every language shares: toFixed differs on ties.
function answer(x) {
  const size = Math.abs(x);
  if (size > 9e9) return "too large";
  const micro = Math.floor(size * 1e6 + 0.5);
  const sign = x < 0 && micro > 0 ? "-" : "";
  return `${sign}${Math.floor(micro / 1e6)}.${String(micro % 1e6).padStart(6, "0")}`;
}

function convert(value, from, to) {
  const [a, b] = [UNITS.get(from), UNITS.get(to)];
  if (!a || !b) return "unknown unit";
  if (a[0] !== b[0]) return `no way from ${a[0]} to ${b[0]}`;
  return answer(((Number(value) + a[2]) * a[1]) / b[1] - b[2]);
}

const lines = readFileSync(0, "utf8").split("\n").map((line) => line.trim().split(/\s+/));
const told = lines.filter((words) => words.length === 3).map((words) => convert(...words));
process.stdout.write(told.join("\n") + "\n");
