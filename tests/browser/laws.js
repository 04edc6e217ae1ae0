/** Laws of the document's reducer and of answers, tried with many random walks: each function throws where one is broken. */

/** A small generator (mulberry32), so that a seed tells the whole walk. */
function dice(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return { next, pick: (items) => items[Math.floor(next() * items.length)], whole: (most) => Math.floor(next() * most) };
}

const FIRST = { version: 1, prompt: "red heart", negative: "", strips: [], settings: { seed: 1, steps: 20, eta: -1, method: "sum" } };
const NAMES = ["sepia", "line_art", "night_sky", "夜空"];

function anyAction({ pick, whole, next }, document) {
  const number = pick(document.strips)?.number ?? 1;
  const gesture = pick([undefined, "one", "two"]);
  const strength = whole(60) / 20 - 1;
  const at = document.prompt.indexOf("<lora:");
  const end = document.prompt.indexOf(">", at) + 1;
  const strip = { name: pick(NAMES), strength };
  return pick([
    { type: "prompt", text: pick(["", "cat", "cat <lora:sepia:0.5>", "<lora:line_art:1> dog, (big:1.2)"]), gesture },
    { type: "negative", text: pick(["", "bad"]) },
    { type: "settings", values: { [pick(["seed", "steps", "eta"])]: whole(50) }, gesture },
    { type: "preset", name: pick(["", "lcm", "tcd"]), values: { steps: 4, eta: whole(2) } },
    { type: "strip.add", strip },
    { type: "strip.set", number, values: pick([{ strength }, { on: next() < 0.5 }, { solo: next() < 0.5 }, { curve: "fade in" }]), gesture },
    { type: "strip.remove", number },
    { type: "strip.move", number, to: whole(4) },
    { type: "strips", strips: [strip, { name: pick(NAMES), strength: 1 }] },
    { type: "strips", strips: [{ ...strip, number: 1 }], regions: [{ number: 1, mask: "background", strips: [1, 9] }] },
    { type: "region.add", region: { mask: pick(["background", "auto", [0, 0, 0.5, 1]]), strips: [number].filter((n) => document.strips.some((s) => s.number === n)) } },
    { type: "region.set", number: pick(document.regions ?? [])?.number ?? 1, values: pick([{ prompt: "cat" }, { feather: next() }, { strips: document.strips.map((one) => one.number) }]), gesture },
    { type: "strips.set", values: { [number]: { strength, blocks: pick([null, "1,0.5"]) }, 99: { strength: 1 } }, ...pick([{}, { prompt: "cat" }]) },
    { type: "strengths", names: NAMES.slice(0, 1 + whole(3)), strengths: { [pick(NAMES)]: strength } },
    { type: "region.remove", number: pick(document.regions ?? [])?.number ?? 1 },
    { type: "lay", document: { strips: [{ ...strip, number: 1 }], regions: [{ number: 1, mask: [0, 0, 1, 0.5], strips: [1] }] } },
    ...(at < 0 ? [] : [{ type: "tag.convert", at, end, strip }, { type: "tag.set", at, end, text: "<lora:sepia:1>" }, { type: "tag.remove", at, end }]),
    { type: "pad", pad: { corners: document.strips.slice(0, 4).map((one) => ({ name: one.name, strengths: { [one.number]: 1 } })), at: [0.5, 0.5] } },
    { type: "pad.mixes", mixes: [{ name: "a", strips: [strip] }, { name: "b", strips: [{ name: "sepia", strength: 1 }] }] },
    { type: "pad.move", at: [next(), next()], gesture },
    { type: "lay", document: { prompt: "laid", strips: [strip], settings: { seed: 9 } } },
    { type: "undo" },
    { type: "redo" },
  ]);
}

function expect(truth, law, ...told) {
  if (!truth) throw new Error(`${law}: ${JSON.stringify(told)}`);
}

/** Undo inverts, redo inverts undo, one gesture is one step, nothing given is changed, and strips keep numbers of their own. */
export async function historyLaws(seed, walks, steps) {
  const { begin, reduce, same } = await import("/desk/reducer.js");
  for (let walk = 0; walk < walks; walk += 1) {
    const chance = dice(seed + walk);
    let history = begin(FIRST);
    const documents = [FIRST];
    for (let step = 0; step < steps; step += 1) {
      const action = anyAction(chance, history.present);
      const before = structuredClone(history);
      const after = reduce(history, action);
      expect(same(history, before), "a history that was given is not changed", action);
      if (action.type !== "undo" && action.type !== "redo" && after !== history) {
        const back = reduce(after, { type: "undo" });
        if (after.past.length > history.past.length) expect(same(back.present, history.present), "undo inverts", action);
        expect(same(reduce(back, { type: "redo" }).present, after.present), "redo inverts undo", action);
        expect(after.future.length === 0, "a change ends the future", action);
      }
      const numbers = after.present.strips.map((strip) => strip.number);
      expect(new Set(numbers).size === numbers.length, "strips keep numbers of their own", action, numbers);
      const regions = after.present.regions ?? [];
      expect(new Set(regions.map((one) => one.number)).size === regions.length, "so do regions", action, regions);
      expect(regions.every((one) => one.strips.every((n) => numbers.includes(n))), "regions name strips that are there", action, regions);
      history = after;
      documents.push(history.present);
    }
    let back = history;
    while (back.past.length) back = reduce(back, { type: "undo" });
    let forth = back;
    while (forth.future.length) forth = reduce(forth, { type: "redo" });
    expect(documents.some((one) => same(one, back.present)), "undo leads to what was there", back.present);
    const last = reduce(history, { type: "undo" }) === history ? history : history;
    let end = last;
    while (end.future.length) end = reduce(end, { type: "redo" });
    expect(same(forth.present, end.present), "all undone and redone is as it was");
  }
  return walks * steps;
}

/** A preset's way back brings what was there before, also from one preset to another. */
export async function presetLaws() {
  const { changed, same } = await import("/desk/reducer.js");
  const lcm = changed(FIRST, { type: "preset", name: "lcm", values: { steps: 4, eta: 0.5 } });
  const tcd = changed(lcm, { type: "preset", name: "tcd", values: { steps: 8 } });
  const back = changed(tcd, { type: "preset", name: "", values: {} });
  expect(lcm.settings.steps === 4 && tcd.settings.steps === 8 && tcd.settings.eta === -1, "presets set", lcm, tcd);
  expect(same(back.settings, FIRST.settings), "the way back", back.settings);
}

/** What a sampler cannot take is made plain with it, and said; what it can take stays. */
export async function samplerLaws() {
  const { fitted } = await import("/desk/sampler.js");
  const { useWords } = await import("/desk/words.js");
  useWords({ eta_left: ["{sampler}: no eta", ""], schedule_left: ["{sampler}: no {value}", ""] });
  const first = {
    samplers: { Euler: { schedules: ["Automatic", "Karras"], eta: false }, TCD: { schedules: ["Automatic"], eta: true } },
    controls: [{ field: "eta", plain: -1 }, { field: "schedule", plain: "Automatic" }],
  };
  const to = (now, sampler) => fitted(first, { schedule: "Automatic", eta: -1, ...now }, { sampler });
  const cases = [
    [to({ eta: 0.3 }, "Euler"), { values: { sampler: "Euler", eta: -1 }, note: "Euler: no eta" }],
    [to({ eta: 0.3 }, "TCD"), { values: { sampler: "TCD" }, note: "" }],
    [to({ schedule: "Karras" }, "TCD"), { values: { sampler: "TCD", schedule: "Automatic" }, note: "TCD: no Karras" }],
    [to({ schedule: "Karras" }, "Euler"), { values: { sampler: "Euler" }, note: "" }],
    [to({ eta: 0.3 }, "mine"), { values: { sampler: "mine" }, note: "" }],
  ];
  for (const [got, wanted] of cases) expect(JSON.stringify(got) === JSON.stringify(wanted), "a sampler's own", got, wanted);
}

/** In whatever order answers come, and however often, what is shown is the same; no old one takes a newer one's place. */
export async function answerLaws(seed, walks) {
  const { NOTHING, heard } = await import("/desk/answers.js");
  for (let walk = 0; walk < walks; walk += 1) {
    const { pick, whole, next } = dice(seed + walk);
    const answers = [];
    for (let number = 1; number <= 1 + whole(4); number += 1) {
      answers.push({ number, kind: "began", ahead: 0 });
      const steps = whole(4);
      for (let step = 1; step <= steps; step += 1) answers.push({ number, kind: "step", step, steps, preview: pick([null, `${number}/${step}`]) });
      if (next() < 0.8) answers.push({ number, kind: pick(["done", "cancelled", "error"]), picture: { id: number } });
    }
    const show = (list) => list.reduce(heard, NOTHING);
    const inOrder = JSON.stringify(show(answers));
    for (let turn = 0; turn < 5; turn += 1) {
      const mixed = [...answers, ...answers.filter(() => next() < 0.3)].sort(() => next() - 0.5);
      expect(JSON.stringify(show(mixed)) === inOrder, "the order of answers never matters", mixed);
    }
    expect(show(answers).newest.number === answers.at(-1).number, "the newest number is shown");
  }
}

/** Numbers as people type them, weights by keys, what is completed, where the pad's corners count. */
export async function smallLaws() {
  const { readNumber } = await import("/desk/numbers.js");
  const { weigh } = await import("/desk/weights.js");
  const { offerAt } = await import("/desk/complete.js");
  const { weightsAt } = await import("/desk/reducer.js");
  const { seen } = await import("/desk/tags.js");
  const read = [["1,5", 1.5], ["1.5", 1.5], [" -0,25 ", -0.25], [".5", 0.5], ["", null], ["1e9", null], ["one", null], ["1,5,5", null]];
  for (const [text, number] of read) expect(readNumber(text) === number, "numbers", text, readNumber(text));
  const weights = [
    ["a cat sits", 3, 3, 1, "a (cat:1.1) sits"],
    ["a (cat:1.1) sits", 4, 4, 1, "a (cat:1.2) sits"],
    ["a (cat:1.1) sits", 4, 4, -1, "a cat sits"],
    ["a (cat:1) sits", 4, 4, -1, "a (cat:0.9) sits"],
    ["a cat sits", 2, 10, 1, "a (cat sits:1.1)"],
    ["x <lora:a:0.8> y", 9, 9, 1, "x <lora:a:0.85> y"],
    ["x <lora:a:0.8>", 14, 14, -1, "x <lora:a:0.75>"],
  ];
  for (const [text, start, end, way, wanted] of weights) {
    const edit = weigh(text, start, end, way);
    expect(edit?.text === wanted, "weights", text, edit);
    expect(edit.start <= edit.end && edit.end <= edit.text.length, "the selection stays inside", edit);
  }
  const names = { loras: ["sepia", "line_art"], embeddings: ["badpic"], wildcards: ["animals/cats"], words: ["line art"] };
  const hints = { lora: "LoRA", embedding: "e", wildcard: "w", word: "t" };
  const offers = [
    ["a <lora:", "<lora:sepia:1>", 2],
    ["a <lora:lin", "<lora:line_art:1>", 2],
    ["a __ani", "__animals/cats__", 2],
    ["a, bad", "badpic", 3],
    ["a, li", "line art", 3],
  ];
  for (const [text, value, start] of offers) {
    const offer = offerAt(text, text.length, names, hints);
    expect(offer?.choices[0]?.value === value && offer.start === start, "completion", text, offer);
  }
  expect(offerAt("a zz", 4, names, hints) === null, "nothing is offered where nothing fits");
  for (const count of [2, 3, 4]) {
    const corners = Array.from({ length: count }, () => ({ name: "", strengths: {} }));
    const sum = weightsAt({ corners, at: [0.3, 0.9] }).reduce((total, one) => total + one, 0);
    expect(Math.abs(sum - 1) < 1e-9, "corners together are the whole", count, sum);
  }
  const { changed } = await import("/desk/reducer.js");
  const mixes = [
    { name: "a", strips: [{ name: "x", strength: 1 }, { name: "y", strength: 0.5 }] },
    { name: "b", strips: [{ name: "y", strength: 1 }] },
  ];
  const between = changed(changed(FIRST, { type: "pad.mixes", mixes }), { type: "pad.move", at: [0.25, 0.5] });
  const strengths = between.strips.map((strip) => `${strip.name} ${strip.strength}`).join();
  expect(strengths === "x 0.75,y 0.625", "between two saved mixes", strengths);
  expect(seen("a <lora:x:0.5> [<lora:y:1>:3] <lora:z>").map((tag) => tag.strip.name).join() === "x,z", "tags in schedules");
}

/** Whatever is done to what has the focus, it is on a control that stands there afterwards, and on the body never. */
export async function focusLaws() {
  const { keepFocus } = await import("/common/focus.js");
  const { h, keep } = await import("/desk/dom.js");
  const list = h("ul");
  const go = h("button", { id: "go" }, "go");
  const stop = h("button", { id: "stop" }, "stop");
  const panel = h("section", { role: "tabpanel" }, h("button", { id: "first" }, "first"), list, go, stop);
  const tab = h("button", { role: "tab", "aria-selected": "true", id: "tab" }, "tab");
  const far = h("p", {}, h("button", { id: "far" }, "far"));
  const box = h("dialog", {}, h("button", { id: "one" }, "one"), h("button", { id: "two" }, "two"));
  document.body.replaceChildren(tab, panel, far, box);
  const rows = (/** @type {string[]} */ names) =>
    keep(list, names, (name) => name, (name) => h("li", {}, h("button", { id: `open ${name}` }, name), h("button", { id: `star ${name}` }, "*")));
  const at = (/** @type {string} */ id) => document.getElementById(id);
  const settled = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  keepFocus();
  const cases = [
    ["kept where a redraw leaves it", "star b", () => rows(["b"]), "star b"],
    ["kept where a redraw moves it", "star b", () => rows(["c", "b", "a"]), "star b"],
    ["kept where it is made anew", "star b", () => list.replaceChildren(...["a", "b"].map((name) => h("li", {}, h("button", { id: `star ${name}` }, "*")))), "star b"],
    ["the same control of the next row", "star b", () => rows(["a", "c"]), "star c"],
    ["the row before, where it was the last", "star c", () => rows(["a", "b"]), "star b"],
    ["after the list, where it is empty", "star b", () => rows([]), "go"],
    ["the next one, where it is disabled", "go", () => (go.disabled = true), "stop"],
    ["the one before, where it was the last", "stop", () => (stop.hidden = true), "go"],
    ["the tab, where its panel is hidden", "star b", () => (panel.hidden = true), "tab"],
    ["within an open dialog", "one", () => at("one").remove(), "two", () => box.showModal()],
    ["nowhere, where somebody left it", "far", () => at("far").blur(), ""],
  ];
  for (const [law, from, change, to, before] of cases) {
    panel.hidden = go.disabled = stop.hidden = false;
    list.replaceChildren();
    rows(["a", "b", "c"]);
    before?.();
    at(from).focus();
    expect(document.activeElement === at(from), "a test's own focus", law);
    change();
    await settled();
    if (!to) at(from).remove();
    await settled();
    expect(document.activeElement.id === to, law, document.activeElement.outerHTML);
    box.close();
  }
}

/** Regions follow their strips: through other numbers, through a mix that is loaded, through one that is removed. */
export async function regionLaws() {
  const { changed } = await import("/desk/reducer.js");
  const strips = [{ number: 1, name: "a" }, { number: 2, name: "b" }];
  const laid = changed(FIRST, { type: "lay", document: { strips, regions: [{ number: 1, mask: "background", strips: [2] }] } });
  const held = (document) => document.regions.map((one) => one.strips.map((n) => document.strips.find((s) => s.number === n).name).join()).join(";");
  const again = changed(laid, { type: "lay", document: { strips, regions: [{ number: 4, mask: "auto", strips: [1] }, { number: 5, mask: "auto", strips: [1, 2] }] } });
  expect(held(laid) === "b" && held(again) === "a;a,b", "what is laid names its own strips", laid, again);
  const loaded = changed(again, { type: "strips", strips: [{ name: "b" }, { name: "c" }], regions: [] });
  expect(held(loaded) === ";b" && loaded.regions.length === 2, "a mix without regions leaves those that are there", loaded);
  expect(held(changed(again, { type: "strip.remove", number: again.strips[0].number })) === ";b", "a removed strip acts nowhere");
  const old = changed(FIRST, { type: "strip.add", strip: { name: "a" } });
  expect(!("regions" in changed(old, { type: "strip.remove", number: 1 })), "a document of before has none", old);
}

/** Strengths by name touch only strips of those names; a way over the pad goes from corner to corner in even steps. */
export async function mixingLaws() {
  const { changed, weightsAt } = await import("/desk/reducer.js");
  const { gridOf, nearest, wayOf } = await import("/desk/pad_path.js");
  const { methodText, readMethod } = await import("/desk/method.js");
  const strips = ["a", "b", "a", "c"].map((name, at) => ({ number: at + 1, name, strength: 1, on: true }));
  const drawn = changed({ ...FIRST, strips }, { type: "strengths", names: ["a", "b"], strengths: { a: 0.25 } });
  const said = drawn.strips.map(({ name, strength, on }) => `${name} ${on ? strength : "off"}`).join();
  expect(said === "a 0.25,b off,a off,c 1", "a surprise", said);
  const set = changed({ ...FIRST, strips }, { type: "strips.set", values: { 2: { strength: 0.5 } }, prompt: "new" });
  expect(set.strips[1].strength === 0.5 && set.strips[0].strength === 1 && set.prompt === "new", "several at once", set);
  for (const count of [2, 3, 4]) {
    const corners = Array.from({ length: count }, () => ({ name: "", strengths: {} }));
    const weights = (at) => weightsAt({ corners, at });
    for (const around of [false, true]) {
      const way = wayOf(count, 4 * count, around).map(weights);
      expect(way[0][0] === 1, "a way begins at the first corner", way);
      if (!around) expect(Math.max(...way.at(-1)) > 1 - 1e-9, "and ends at a corner", way);
      for (const one of way) expect(one.filter((share) => share > 1e-9).length <= 2 && Math.abs(one.reduce((a, b) => a + b) - 1) < 1e-9, "between two corners at a time", one);
      const steps = way.slice(1).map((one, at) => one.reduce((sum, share, corner) => sum + Math.abs(share - way[at][corner]), 0));
      expect(Math.max(...steps) <= (around ? 2 * count : 2 * (count - 1)) / (around ? 4 * count : 4 * count - 1) + 1e-9, "in even steps", steps);
    }
    const grid = gridOf(count);
    expect(grid.length === (count < 3 ? 9 : 25), "a coarse grid", grid.length);
    expect(JSON.stringify(nearest(grid, [0.51, count < 3 ? 0.9 : 0.49])) === JSON.stringify(count < 3 ? [0.5, 0] : [0.5, 0.5]), "the nearest place", count);
  }
  const ties = { name: "ties", numbers: [{ name: "density", default: 0.2 }, { name: "scale", default: 1 }] };
  expect(methodText(ties, readMethod("ties:density=0.3,scale=1").numbers) === "ties:density=0.3", "a method's numbers");
  expect(methodText(ties, readMethod("TIES").numbers) === "ties" && readMethod("TIES").name === "ties", "a method's name");
}
