/** One click that takes strengths back to what one LoRA changes, shown as numbers that may then be moved. */

import { h, write } from "./dom.js";
import { show } from "./numbers.js";
import { same } from "./reducer.js";
import { say } from "./words.js";

/** @typedef {{ name: string, before: [number, number], after: [number, number] }} Told Strengths over the blocks. */

const WAYS = ["block", "mix"];

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mountBalance(root, desk) {
  const how = h(
    "select",
    { id: "balance-how", "aria-label": say("balance_how") },
    ...WAYS.map((way) => h("option", { value: way }, say(`balance_${way}`))),
  );
  const said = h("p", { class: "small", role: "status", id: "balance-said" });
  const rows = h("tbody", {});
  const table = h(
    "table",
    { class: "balance-table", hidden: true },
    h(
      "thead",
      {},
      h("tr", {}, ...["name", "before", "after"].map((key) => h("th", { scope: "col" }, say(`balance_${key}`)))),
    ),
    rows,
  );
  const go = h("button", { type: "button", id: "balance-now", title: say("balance_hint") }, say("balance_now"));
  root.append(h("div", { class: "balance" }, go, how, said, table));

  /** @returns {Promise<void>} */
  async function balance() {
    const document = desk.document;
    const per = how.value;
    const found = await desk.ask("mix.balance", { document, per });
    if (!same(weighed(document), weighed(desk.document))) return balance(); // it is of a mix that is no more
    /** @type {Told[]} */
    const told = found.told;
    table.hidden = told.length < 2;
    write(said, told.length < 2 ? say("balance_few") : "");
    if (told.length < 2) return;
    rows.replaceChildren(...told.map(line));
    if (told.every(({ before, after }) => String(before) === String(after))) return write(said, say("balance_is"));
    desk.dispatch({ type: "strips.set", values: found.strips, prompt: found.prompt ?? undefined });
  }
  go.addEventListener("click", () => {
    go.disabled = true;
    balance()
      .then(
        () => desk.wentWell(),
        (error) => desk.fail(error),
      )
      .finally(() => (go.disabled = false));
  });
  let names = "";
  desk.subscribe((topics) => {
    if (!topics.has("document")) return;
    const now = desk.document.strips.map((strip) => strip.name).join();
    if (now !== names) table.hidden = true; // it was of another mix
    names = now;
  });
}

/** What of a document is balanced. @param {import("./types.js").Document} document */
function weighed({ prompt, strips, settings }) {
  return [prompt, strips, settings.model];
}

/** @param {Told} told */
function line({ name, before, after }) {
  return h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, range(before)), h("td", {}, range(after)));
}

/** @param {[number, number]} range */
function range([low, high]) {
  return low === high ? show(low) : `${show(low)} … ${show(high)}`;
}
