// Puts the program and the table it imports into one file that runs anywhere.
import { readFileSync, writeFileSync } from "node:fs";

const [table, program, made] = process.argv.slice(2);
const line = 'import { UNITS } from "./units.mjs";\n';
const text = readFileSync(program, "utf8");
if (!text.includes(line)) throw new Error(`${program} does not import the table`);
writeFileSync(made, text.replace(line, () => readFileSync(table, "utf8").replace("export ", "")));
