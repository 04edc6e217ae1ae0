/** What goes with a sampler: one that is chosen leaves out a schedule and an eta that it cannot take, and it is said. */

import { say } from "./words.js";

/**
 * @typedef {import("./types.js").Value} Value
 * @typedef {import("./types.js").FirstFacts} FirstFacts
 */

/**
 * Return settings that are to be laid on others, with what their sampler cannot take made plain, and a sentence on each.
 * @param {Pick<FirstFacts, "samplers" | "controls">} first
 * @param {Record<string, Value>} now @param {Record<string, Value>} values
 * @returns {{ values: Record<string, Value>, note: string }}
 */
export function fitted(first, now, values) {
  const wanted = { ...now, ...values };
  const sampler = String(wanted.sampler ?? "");
  const takes = first.samplers[sampler];
  if (!takes) return { values, note: "" };
  const plain = Object.fromEntries(first.controls.map((row) => [row.field, row.plain]));
  /** @type {[string, boolean][]} */
  const checks = [
    ["schedule", takes.schedules.includes(String(wanted.schedule ?? plain.schedule))],
    ["eta", takes.eta],
  ];
  const left = checks.filter(([field, is]) => !is && (wanted[field] ?? plain[field]) !== plain[field]);
  return {
    values: { ...values, ...Object.fromEntries(left.map(([field]) => [field, plain[field] ?? null])) },
    note: left.map(([field]) => say(`${field}_left`, { sampler, value: String(wanted[field]) })).join(" "),
  };
}
