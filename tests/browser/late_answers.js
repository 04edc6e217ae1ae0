/**
 * Answers that come late, or in another order than they were asked for: each function throws where one of them takes the place
 * of what was done since, or where what somebody did is lost. The desk is the page's own; the server answers when it is told to.
 */

function expect(truth, law, ...told) {
  if (!truth) throw new Error(`${law}: ${JSON.stringify(told)}`);
}

const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);
const rest = () => new Promise((resolve) => setTimeout(resolve));

/** @param {() => any} found Waits until it finds something. */
async function until(found, what) {
  for (let turn = 0; turn < 2000; turn += 1) {
    const value = found();
    if (value) return value;
    await rest();
  }
  throw new Error(`never came: ${what}`);
}

const control = (field) => ({ field, id: field, place: "more", plain: null, shape: "text", label: { en: field, zh: field } });
const FIRST = {
  document: { version: 1, prompt: "cat", negative: "", strips: [], settings: { seed: 1, steps: 2, model: "a" } },
  controls: [control("note")],
  start: [],
  models: ["a", "b", "c"],
  idle: {},
  presets: {},
  samplers: {},
  methods: [],
  films: [".webp", ".gif"],
  curves: {},
  blocks: [],
};

/** A desk, what was asked of its server, and what was sent to be rendered. */
async function begin(strips = [], memory = { read: () => null, write: () => {} }, reload = undefined) {
  const { Desk } = await import("/desk/store.js");
  const { useWords } = await import("/desk/words.js");
  useWords(new Proxy({}, { get: (_, key) => [String(key), ""] }));
  document.body.replaceChildren();
  const asked = [];
  const sent = [];
  const ask = ({ name, data }) =>
    new Promise((resolve) => {
      const answer = (told) => rest(resolve({ answer: structuredClone(told) })).then(rest);
      asked.push({ name, data: structuredClone(data), answer, refuse: (error) => rest(resolve({ error })).then(rest) });
    });
  const handle = (value) => ({ props: { value }, watch(_, heard) { this.heard = heard; } });
  const page = { ...handle({}), trigger: (_, wish) => sent.push(structuredClone(wish)), server: { ask } };
  const answers = handle({ kind: "hello", session: "s", login: false });
  const kept = { ...FIRST, document: { ...FIRST.document, strips } };
  const desk = new Desk(structuredClone(kept), page, answers, memory, reload);
  desk.look({ live: false });
  const root = document.body.appendChild(document.createElement("main"));
  return {
    desk,
    root,
    asked,
    sent,
    /** The server says something of a render. */
    tell: (told) => {
      answers.props.value = told;
      answers.heard();
      return rest();
    },
    /** A question, once it was asked: the newest of its name, or the one at a place among them. */
    question: (name, place) =>
      until(() => {
        const found = asked.filter((one) => one.name === name);
        return place === undefined ? found.at(-1) : found[place];
      }, name),
    press: (id) => {
      document.getElementById(id).click();
      return rest();
    },
  };
}

const strip = (number, name) => ({
  number, name, strength: 1, text: null, on: true, solo: false, blocks: null, curve: "always", mask: null,
});
const picture = (id, more = {}) => ({
  id, url: `data:,${id}`, thumb: `data:,${id}`, name: `${id}.png`, pinned: false, seed: id, prompt: "cat", record: "", ...more,
});

/** @param {string[]} names Laid on the desk, as the server would. */
const laid = (...names) => ({ prompt: names.join(" "), strips: names.map((name, at) => strip(at + 1, name)), settings: {} });

/** Gestures that the server has a part in keep their order, and undo waits for them. */
export async function orderLaws() {
  const { InOrder } = await import("/desk/in_order.js");
  const order = new InOrder();
  const done = [];
  const doors = [];
  const door = () => new Promise((open, shut) => doors.push({ open, shut }));
  order.now(() => done.push("at once"));
  expect(same(done, ["at once"]), "nothing is waited for");
  const first = order.after(door(), (told) => done.push(told));
  const second = order.after(door(), (told) => done.push(told));
  const third = order.after(door(), (told) => done.push(told));
  order.now(() => done.push("undo"));
  doors[2].open("third");
  doors[1].shut(new Error("no"));
  await rest();
  expect(same(done, ["at once"]), "nothing is done out of turn", done);
  doors[0].open("first");
  const told = await Promise.allSettled([first, second, third]);
  await rest();
  expect(same(done, ["at once", "first", "third", "undo"]), "in their order", done);
  expect(same(told.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]), "who asked hears what went wrong", told);
  order.now(() => done.push("later"));
  expect(done.at(-1) === "later", "and nothing is waited for again", done);
}

/** What is laid on the desk last is what was asked for last, from whatever place; undo takes back what was done last. */
export async function layLaws() {
  const { mountMixes } = await import("/desk/mixes.js");
  const { mount } = await import("/picture/pane.js");
  const { desk, root, question, press, tell } = await begin();
  mountMixes(root, desk);
  mount(root, desk);
  await (await question("mixes.list")).answer(["one", "two"]);
  const names = root.querySelector("#mix-names select");
  await tell({ number: 1, kind: "done", picture: picture(5) });
  await press("use");
  names.value = "one";
  await press("mix-load");
  await (await question("mixes.load")).answer({ strips: [strip(1, "mixed")], method: "sum" });
  await (await question("pictures.document")).answer(laid("pictured"));
  expect(desk.document.strips[0].name === "mixed", "what was pressed last is there last", desk.document.strips);
  await press("use");
  desk.undo();
  await rest();
  await (await question("pictures.document", 1)).answer(laid("again"));
  expect(desk.document.strips[0].name === "mixed", "undo takes back what was pressed before it", desk.document.strips);
  desk.redo();
  expect(desk.document.strips[0].name === "again", "and redo brings it", desk.document.strips);
}

/** Saved mixes are listed as they are after the last question, and what is chosen stays chosen. */
export async function mixLaws() {
  const { mountMixes } = await import("/desk/mixes.js");
  const { desk, root, asked, question, press } = await begin([strip(1, "a")]);
  mountMixes(root, desk);
  const names = root.querySelector("#mix-names select");
  const name = root.querySelector("#mix-name input");
  name.value = "new";
  await press("mix-save");
  expect(asked.every((one) => one.name !== "mixes.save"), "a mix is saved after the list was answered");
  await (await question("mixes.list")).answer(["old"]);
  const saved = await question("mixes.save");
  name.value = "another";
  await press("mix-save");
  await saved.answer(["new", "old"]);
  names.value = "old";
  await (await question("mixes.save", 1)).answer(["another", "new", "old"]);
  expect(names.options.length === 4 && names.value === "old", "what was chosen meanwhile stays chosen", names.value);
  name.value = "newer";
  await press("mix-rename");
  name.value = "something else";
  await (await question("mixes.rename")).answer(["another", "new", "newer"]);
  expect(names.value === "newer", "it is called as was written when the button was pressed", names.value);
}

/** Surprise, balance, pad and model: what was done since is no part of them, and is not undone by them. */
export async function mixingLaws() {
  const { mountExplore } = await import("/desk/explore.js");
  const { mountBalance } = await import("/desk/balance.js");
  const { mountSettings } = await import("/desk/settings.js");
  const { desk, root, question, press } = await begin([strip(1, "a"), strip(2, "b")]);
  mountExplore(root, desk);
  mountBalance(root, desk);
  mountSettings(root, desk);
  await press("surprise");
  desk.dispatch({ type: "strip.add", strip: { name: "came" } });
  await (await question("mix.surprise")).answer({ a: 0.5 });
  const on = () => desk.document.strips.map((one) => `${one.name} ${one.on ? one.strength : "off"}`).join();
  expect(on() === "a 0.5,b off,came 1", "a strip that came meanwhile stays on", on());

  await press("balance-now");
  desk.dispatch({ type: "strip.set", number: 1, values: { strength: 0.9 } });
  const told = ["a", "came"].map((name) => ({ name, before: [1, 1], after: [0.2, 0.2] }));
  await (await question("mix.balance", 0)).answer({ told, strips: { 1: { strength: 0.1 } }, prompt: null });
  expect(on() === "a 0.9,b off,came 1", "a mix that is no more is not balanced", on());
  const again = await question("mix.balance", 1);
  expect(again.data.document.strips[0].strength === 0.9, "the mix that is there is", again.data);
  await again.answer({ told, strips: { 1: { strength: 0.2 } }, prompt: null });
  expect(on() === "a 0.2,b off,came 1", "and once", on());

  const box = root.querySelector("#model-box");
  const choose = (name) => {
    box.value = name;
    box.dispatchEvent(new Event("change"));
  };
  choose("b");
  const first = await question("model.choose");
  desk.dispatch({ type: "prompt", text: "dog" });
  expect(box.value === "b", "the box says which model is coming", box.value);
  choose("c");
  const second = await question("model.choose", 1);
  await second.answer({ settings: { model: "c", steps: 3 }, idle: [] });
  await first.answer({ settings: { model: "b", steps: 9 }, idle: [] });
  expect(desk.document.settings.model === "c" && desk.document.settings.steps === 3, "the model chosen last", desk.document.settings);
  choose("b");
  await (await question("model.choose", 2)).refuse("it cannot be opened");
  expect(box.value === "c" && desk.failure === "it cannot be opened", "one that cannot be opened is not shown", box.value);
}

/** Two pictures to choose from are those of the search that is open. */
export async function pairLaws() {
  const { showPairs } = await import("/desk/explore_pairs.js");
  const { desk, question } = await begin([strip(1, "a")]);
  const pairs = showPairs(desk);
  const limits = { a: [0, 1] };
  pairs.open(limits);
  const first = await question("mix.propose");
  document.querySelector(".explore-close").click();
  await rest();
  pairs.open(limits);
  await (await question("side.cancel")).answer(null);
  const second = await question("mix.propose", 1);
  await second.answer([{ a: 0.1 }, { a: 0.2 }]);
  await first.answer([{ a: 0.8 }, { a: 0.9 }]);
  for (const place of [0, 1]) await (await question("side.render", place)).answer(picture(7 + place));
  document.querySelectorAll(".explore-take")[1].click();
  expect(desk.document.strips[0].strength === 0.2, "what stands below the picture is taken", desk.document.strips);
  document.querySelector("dialog").remove();
}

/** A film is of the document, and in the form, that were there when its button was pressed. */
export async function filmLaws() {
  const { mountFilm } = await import("/desk/film.js");
  const { desk, root, question, press } = await begin([strip(1, "a"), strip(2, "b")]);
  mountFilm(root, desk);
  const corners = [{ name: "a", strengths: { 1: 1 } }, { name: "b", strengths: { 2: 1 } }];
  desk.dispatch({ type: "pad", pad: { corners, at: [0.5, 0.5] } });
  root.querySelector("#film-frames").value = "2";
  await press("film-make");
  desk.dispatch({ type: "pad", pad: null });
  root.querySelector("#film-ending").value = ".gif";
  await (await question("film.begin")).answer("0001-film");
  for (const place of [0, 1]) {
    const { data, answer } = await question("side.render", place);
    expect(same(data.document.strips.map((one) => one.strength), place ? [0, 1] : [1, 0]), "the way of the pad that was there", data);
    await answer({ url: "data:," });
  }
  expect((await question("film.end")).data.ending === ".webp", "in the form that was looked at", root.innerText);
}

/** Strokes arrive in the order in which they were made, also when the brush is laid down at once; undo takes back the last. */
export async function strokeLaws() {
  const { masking } = await import("/picture/masking.js");
  const { desk, root } = await begin([strip(1, "a")]);
  const puts = [];
  const real = window.fetch;
  window.fetch = (_, { body }) => new Promise((resolve) => puts.push({ body, resolve }));
  const arrive = (place, id) =>
    rest(puts[place].resolve(new Response(JSON.stringify({ id, width: 8, height: 8 })))).then(rest).then(rest);
  try {
    const now = () => ({ kind: "nothing", source: "", picture: null, number: null });
    const masks = masking(desk, { frame: root, now, start: { from: async () => true } });
    root.append(masks.element);
    desk.subscribe(() => masks.draw());
    await masks.toggle();
    await until(() => masks.size(), "a mask");
    const invert = () => document.getElementById("mask-invert").click();
    const mask = () => desk.document.strips[0].mask?.id ?? null;
    document.getElementById("mask-clear").click();
    await rest();
    invert();
    await until(() => puts.length === 1, "the first stroke");
    const easel = root.querySelector(".easel");
    for (const key of [" ", "ArrowRight", " "]) easel.dispatchEvent(new KeyboardEvent("keydown", { key }));
    await until(() => puts.length === 2, "the second stroke");
    await masks.toggle();
    desk.undo();
    await arrive(1, "second");
    expect(mask() === null, "no stroke before its turn", mask());
    await arrive(0, "first");
    expect(mask() === "first", "undo takes back the last stroke", mask());
    desk.redo();
    expect(mask() === "second", "which was there, though the brush was laid down", mask());
  } finally {
    window.fetch = real;
  }
}

/** Tools act on the picture that was seen: pinned, deleted, brought back, while others come. */
export async function toolLaws() {
  const { mount } = await import("/picture/pane.js");
  const { desk, root, asked, question, press, tell } = await begin();
  mount(root, desk);
  let number = 0;
  const arrives = (id) => tell({ number: ++number, kind: "done", picture: picture(id) });
  const choose = async (id) => {
    desk.look({ picture: picture(id) });
    await rest();
  };
  const listed = async (...ids) => (await question("pictures.list")).answer(ids.map((id) => picture(id)));
  await choose(1);
  await arrives(2);
  await listed(1, 2);
  await press("pin");
  const pin = await question("pictures.pin");
  expect(pin.data.id === 1, "what was seen is pinned", pin.data);
  await pin.answer(picture(1, { pinned: true }));
  expect(desk.view.picture.id === 2, "and the new one stays", desk.view.picture);
  await choose(2);
  await press("pin");
  await arrives(3);
  await (await question("pictures.pin", 1)).answer(picture(2, { pinned: true }));
  expect(desk.view.picture.id === 3, "an answer brings no older picture back", desk.view.picture);

  await choose(3);
  await press("delete");
  await arrives(4);
  await (await question("pictures.delete")).answer(null);
  expect(desk.view.picture.id === 4, "nor does it take a newer one away", desk.view.picture);
  await press("undelete");
  const back = await question("pictures.restore");
  await choose(6);
  await press("delete");
  await (await question("pictures.delete", 1)).answer(null);
  await back.answer(picture(3));
  const offer = root.querySelector(".undelete");
  expect(!offer.hidden, "the last picture that went can be brought back", offer.outerHTML);
  await press("undelete");
  expect((await question("pictures.restore", 1)).data.id === 6, "and it is that one");

  await choose(9); // not listed: it has just come
  await press("open");
  expect(document.querySelector("dialog.lightbox img").getAttribute("src") === picture(9).url, "it is shown large all the same");
  document.querySelector("dialog.lightbox").close();

  document.getElementById("pin").focus();
  await tell({ number: ++number, kind: "began" });
  await tell({ number, kind: "step", step: 1, steps: 2, preview: "data:,preview" });
  expect(document.activeElement.id === "pin", "the focus waits for the picture that comes", document.activeElement.id);
  const pins = () => asked.filter(({ name }) => name === "pictures.pin").map(({ data }) => data.id);
  await press("pin");
  expect(pins().at(-1) === 9, "what went this moment is meant", pins());
  const clock = performance.now.bind(performance);
  performance.now = () => clock() + 10_000;
  const count = pins().length;
  await press("pin");
  expect(pins().length === count, "and later nothing is", pins());
  await tell({ number, kind: "done", picture: picture(10) });
  expect(document.activeElement.id === "pin", "the focus is there when it has come", document.activeElement.id);
  performance.now = clock;
}

/** What a press means, by the clock: the picture of a moment ago, unless somebody chose what is there. */
export async function seenLaws() {
  const { Seen } = await import("/picture/seen.js");
  const { UNREAD } = await import("/desk/unread.js");
  const seen = new Seen();
  const on = (id) => ({ kind: id ? "picture" : "preview", source: "", picture: id ? picture(id) : null, number: 1 });
  const meant = (at) => seen.before(at)?.picture.id ?? null;
  seen.show(on(1), 0, false);
  expect(meant(0) === null, "what is there is meant");
  seen.show(on(2), 1000, false);
  expect(meant(1000) === 1 && meant(1000 + UNREAD - 1) === 1 && meant(1000 + UNREAD) === null, "the one before, for a moment");
  expect(seen.next(1100) === 1000 + UNREAD, "and until when is known");
  seen.show(on(0), 2000, false);
  seen.show(on(2), 3000, false); // as the last answer is heard: no eye sees that
  seen.show(on(3), 3000.1, false);
  expect(meant(3001) === null, "what went long ago is not meant", meant(3001));
  seen.show(on(0), 5000, false);
  expect(meant(5001) === 3, "a picture that goes is meant still");
  seen.show(on(4), 5100, false);
  expect(meant(5101) === 3 && meant(5000 + UNREAD) === null, "also when another one has come", meant(5101));
  seen.show(on(5), 6000, true);
  expect(meant(6001) === null, "what was chosen is meant at once");
  const quick = new Seen();
  for (const [id, at] of [[0, 0], [6, 100], [0, 300], [7, 400]]) quick.show(on(id), at, false);
  const means = (at) => quick.before(at)?.picture.id ?? null;
  for (let at = 400; at < 400 + 2 * UNREAD; at += 1) {
    const told = quick.next(at) !== null && quick.next(at) <= at + 1;
    expect(told || means(at) === means(at + 1), "whoever draws the tools is told when they come to mean another picture", at);
  }
  expect(means(100 + UNREAD) === 6, "also after renders that are quicker than an eye");
}

/** Files that are dropped while others are taken in are taken in too. */
export async function importLaws() {
  const { importer } = await import("/library/take_in.js");
  const { desk, root } = await begin();
  const requests = [];
  const real = window.XMLHttpRequest;
  window.XMLHttpRequest = class extends EventTarget {
    upload = new EventTarget();
    status = 200;
    open(_, address) {
      this.address = address;
    }
    send() {
      requests.push(this);
    }
    abort() {}
  };
  try {
    const takeIn = importer(desk, () => ["mine"], () => {});
    root.append(takeIn.element);
    const drop = (name) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["x"], name));
      root.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
    };
    drop("one.safetensors");
    await until(() => root.querySelector("dialog").open, "the question where to");
    root.querySelector("dialog .primary").click();
    await until(() => requests.length === 1, "the first file");
    drop("two.safetensors");
    requests[0].dispatchEvent(new Event("load"));
    await until(() => requests.length === 2, "the second file");
    expect(requests[1].address.endsWith("two.safetensors"), "what was dropped meanwhile is sent", requests[1].address);
    requests[1].dispatchEvent(new Event("load"));
    await until(() => !root.querySelector("dialog").open, "the end");
  } finally {
    window.XMLHttpRequest = real;
  }
}

/** A LoRA is added once, however often and fast; what is typed meanwhile stays; a model's measures stay with it. */
export async function addingLaws() {
  const { addingBox } = await import("/desk/adding.js");
  const { desk, root, asked, question } = await begin();
  root.append(addingBox(desk));
  const box = root.querySelector("#pick input");
  const enter = (name) => {
    box.value = name;
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  };
  enter("sepia");
  box.value = "li";
  await (await question("completions")).answer({ loras: ["sepia", "line_art"], embeddings: [], wildcards: [] });
  expect(box.value === "li", "what was typed meanwhile stays", box.value);
  enter("sepia");
  await rest();
  for (const one of asked.filter(({ name }) => name === "loras.facts")) await one.answer({ sepia: { name: "sepia", strength: 1 } });
  expect(desk.document.strips.length === 1, "one strip of a LoRA", desk.document.strips);
  enter("nothing");
  await rest();
  expect(box.value === "nothing" && root.querySelector(".wrong").textContent, "what is no name stays to be mended", box.value);

  const { Known } = await import("/desk/known.js");
  const questions = [];
  const known = new Known(
    (_, { names }) => new Promise((resolve) => questions.push({ names, resolve })),
    () => {},
    () => {},
  );
  known.facts = { ...known.facts, loras: { sepia: { name: "sepia" } } };
  known.measure("small", true);
  known.measure("large", true);
  questions[1].resolve({ sepia: { size: 2, burns: 9 } });
  questions[0].resolve({ sepia: { size: 1, burns: 9 } });
  await rest();
  expect(known.moves.sepia.size === 2, "what a LoRA moves of the model that is open", known.moves);
}

/** What is asked for while Live follows is rendered whole, whatever becomes of what it ends. */
export async function askedLaws() {
  for (const ending of ["done", "error"]) {
    const { desk, sent, tell } = await begin([strip(1, "a")]);
    desk.look({ live: true, count: 3 });
    desk.dispatch({ type: "strip.set", number: 1, values: { strength: 0.5 } });
    await tell({ number: 1, kind: "began" });
    expect(desk.rendering && !desk.canCancel, "what Live began is not to be cancelled first", ending);
    desk.generate();
    expect(desk.canCancel, "what was asked for is", ending);
    await tell({ number: 1, kind: ending, says: "no", picture: picture(1) });
    expect(desk.failure === "", "what went wrong with the one before is of no interest", desk.failure);
    for (const number of [2, 3, 4]) {
      expect(sent.length === number, "as many as were asked for", ending, sent.length);
      await tell({ number, kind: "began" });
      await tell({ number, kind: "done", picture: picture(number) });
    }
    expect(sent.length === 4 && !desk.rendering, "and no more", ending, sent.length);
    desk.dispatch({ type: "strip.set", number: 1, values: { strength: 0.7 } });
    await tell({ number: 5, kind: "began" });
    desk.look({ live: false });
    expect(desk.canCancel, "without Live whatever is under way may be cancelled", ending);
  }
}

/** Pictures of one Generate are all of the document it was pressed for, and all come; Live follows edits after the last. */
export async function seriesLaws() {
  const { mountPrompts } = await import("/desk/prompt.js");
  const { desk, root, sent, question, tell } = await begin([strip(1, "a")]);
  mountPrompts(root, desk);
  const told = () => root.querySelector("#prompt .hint").textContent;
  const finish = async (number) => {
    await tell({ number, kind: "began" });
    await tell({ number, kind: "done", picture: picture(number) });
  };
  const prompts = () => sent.map(({ document }) => document.prompt).join();
  desk.look({ live: true, count: 3 });
  desk.generate();
  await tell({ number: 1, kind: "began" });
  desk.dispatch({ type: "prompt", text: "cat <lora:pix" });
  expect(told() === "series_older", "what is typed meanwhile is not of this series, which is said", told());
  await finish(1);
  await finish(2);
  expect(prompts() === "cat,cat,cat", "each is of what Generate was pressed for", prompts());
  expect(same(sent.map(({ offset }) => offset), [0, 1, 2]), "each with the next seed", sent);
  desk.dispatch({ type: "prompt", text: "cats" });
  desk.dispatch({ type: "strip.set", number: 1, values: { strength: 0.3 } }, { settled: false });
  await finish(3);
  expect(sent.length === 3 && !desk.rendering, "a knob that is held is waited for", sent.length);
  desk.dispatch({ type: "strip.set", number: 1, values: { strength: 0.4 } });
  expect(prompts() === "cat,cat,cat,cats" && told() === "", "then Live follows", prompts(), told());
  await finish(4);

  desk.look({ count: 2 });
  desk.generate();
  desk.dispatch({ type: "prompt", text: "dog" });
  await finish(5);
  await finish(6);
  expect(sent.length === 7 && sent[6].document.prompt === "dog", "Live follows when the last has come", prompts());
  await finish(7);
  desk.generate();
  desk.dispatch({ type: "prompt", text: "owl" });
  desk.cancel();
  await (await question("cancel")).answer(null);
  await tell({ number: 8, kind: "cancelled" });
  expect(sent.length === 8 && !desk.rendering, "and nothing follows Cancel", prompts());
}

/** A picture that is done is the one that is looked at: nobody is told of the one before it meanwhile. */
export async function doneLaws() {
  const { desk, tell } = await begin();
  const wrong = [];
  desk.subscribe(() => {
    const { done } = desk.shown;
    if (done && !desk.rendering && desk.view.picture?.id !== done.picture.id) wrong.push([desk.view.picture?.id, done.picture.id]);
  });
  for (const number of [1, 2]) {
    desk.generate();
    await tell({ number, kind: "began" });
    await tell({ number, kind: "step", step: 1, steps: 1, preview: "data:," });
    await tell({ number, kind: "done", picture: picture(number) });
  }
  expect(wrong.length === 0, "the picture before is on no screen between a preview and its picture", wrong);
}

/** What is under way when the page is loaded anew, or when the server loses it, is begun anew; what was cancelled is not. */
export async function lostLaws() {
  let kept = null;
  const memory = { read: () => kept, write: (now) => (kept = structuredClone(now)) };
  const first = await begin([strip(1, "a")], memory);
  first.desk.look({ count: 3 });
  first.desk.generate();
  await first.tell({ number: 1, kind: "began" });
  await first.tell({ number: 1, kind: "done", picture: picture(1) });
  const second = await begin([], memory);
  await rest();
  expect(second.sent.length === 1 && second.desk.canCancel, "a reload goes on with the series", second.sent.length);
  expect(second.sent[0].offset === 1, "where it was", second.sent[0]);
  const again = structuredClone(kept);
  for (let times = 0; times < 3; times += 1) {
    const { desk, sent } = await begin([], memory);
    await rest();
    expect(sent.length === 1 && !desk.failure, "however often somebody loads the page anew", sent.length, desk.failure);
  }
  kept = again;
  for (const number of [1, 2]) {
    await second.tell({ number, kind: "began" });
    await second.tell({ number, kind: "done", picture: picture(number + 1) });
  }
  expect(second.sent.length === 2 && kept.pending === null, "to its end", second.sent.length, kept.pending);
  expect((await begin([], memory)).sent.length === 0, "and not further");
  second.desk.generate();
  await second.tell({ number: 3, kind: "began" });
  second.desk.cancel();
  expect(kept.pending === null, "what is cancelled is over, whether or not the server has heard of it");
}

/** A render of which nothing is heard any more is asked after. */
export async function silenceLaws() {
  const wait = globalThis.setTimeout;
  globalThis.setTimeout = (act, time, ...values) => wait(act, time >= 5000 && time < 10_000 ? 1 : time, ...values);
  try {
    let reloads = 0;
    let kept = null;
    const memory = { read: () => kept, write: (now) => (kept = structuredClone(now)) };
    const { desk, asked, sent, question, tell } = await begin([strip(1, "a")], memory, () => (reloads += 1));
    const news = () => asked.filter(({ name }) => name === "render.newest");
    const nth = (place) => question("render.newest", place);
    desk.generate();
    await tell({ number: 1, kind: "began" });
    await (await nth(0)).answer({ number: 1, kind: "step", step: 1, steps: 2 });
    expect(desk.shown.newest.step === 1 && sent.length === 1, "news are taken in", desk.shown.newest);
    await (await nth(1)).refuse("no_answer");
    expect(desk.failure === "no_answer", "a server that does not answer is told of", desk.failure);
    await (await nth(2)).answer({ number: 1, kind: "cancelled" });
    expect(sent.length === 2 && desk.failure === "", "what ended for want of listeners is sent again", sent.length);
    expect(same(sent[0].document, sent[1].document), "as it was", sent);
    await tell({ number: 2, kind: "began" });
    await (await nth(3)).answer({ number: 2, kind: "cancelled" });
    expect(!desk.rendering && desk.failure === "render_lost", "once, and not for ever", desk.failure);
    desk.generate();
    await tell({ number: 3, kind: "began" });
    desk.cancel();
    await (await question("cancel")).refuse("no_answer");
    await (await nth(4)).answer({ number: 3, kind: "cancelled" });
    expect(!desk.rendering && sent.length === 3, "what was cancelled is over", sent.length);
    desk.generate();
    await tell({ number: 4, kind: "began" });
    await (await nth(5)).answer({ number: 4, kind: "done", picture: picture(4) });
    expect(desk.view.picture.id === 4, "a picture that was made is shown");
    desk.generate();
    await tell({ number: 5, kind: "began" });
    await (await nth(6)).answer(null);
    expect(reloads === 1, "a server that was started anew is listened to anew", reloads);
    const lost = (times) => ({ read: () => ({ ...kept, pending: { ...kept.pending, again: times } }), write: () => {} });
    expect(kept.pending.again === 1, "which is counted", kept.pending);
    const anew = await begin([], lost(1));
    await rest();
    expect(anew.sent.length === 1 && !anew.desk.failure, "and its picture begun anew", anew.desk.failure);
    const given = await begin([], lost(2));
    await rest();
    expect(given.sent.length === 0 && given.desk.failure === "render_lost", "once", given.desk.failure);
    await tell({ number: 5, kind: "done", picture: picture(5) });
    const before = news().length;
    await new Promise((resolve) => wait(resolve, 20));
    expect(news().length === before, "and nothing is asked any more");
  } finally {
    globalThis.setTimeout = wait;
  }
}

/** Endless pictures follow edits; what cannot be rendered ends nothing, and is said beside the prompt. */
export async function endlessLaws() {
  const { mountPrompts } = await import("/desk/prompt.js");
  const { desk, root, sent, tell } = await begin();
  mountPrompts(root, desk);
  const told = () => ["wrong", "hint"].map((name) => root.querySelector(`#prompt .${name}`).textContent).join();
  const newest = () => sent.at(-1);
  const finish = (kind, says) => tell({ number: newest().number, kind, says, picture: picture(newest().number) });
  desk.look({ endless: true });
  desk.dispatch({ type: "prompt", text: "cat <lora:pix" });
  desk.generate();
  await finish("error", "no end");
  expect(sent.length === 1 && desk.failure === "no end", "nothing goes on that never began", sent, desk.failure);
  desk.dispatch({ type: "prompt", text: "dog" });
  desk.generate();
  await finish("done");
  desk.dispatch({ type: "prompt", text: "dog <lora:pix" });
  await finish("done");
  expect(newest().document.prompt === "dog <lora:pix", "edits are followed", newest());
  await finish("error", "no end");
  const { document, offset } = newest();
  expect(document.prompt === "dog" && offset === 2, "an unfinished one is left out, and no seed with it", newest());
  expect(desk.rendering && desk.failure === "" && told() === "no end,goes_on", "which is said", told());
  await finish("done");
  expect(newest().document.prompt === "dog" && sent.length === 6, "and not tried again", sent.length);
  desk.dispatch({ type: "prompt", text: "dog, blue" });
  expect(told() === ",", "an edit is not refused yet", told());
  await finish("done");
  expect(newest().document.prompt === "dog, blue" && newest().offset === 4, "the next edit is", newest());
  await finish("done");
  await finish("error", "no memory");
  expect(!desk.rendering && desk.failure === "no memory", "what was rendered and now fails ends it, and says why", desk.failure);
}

/** Cancel stops what runs, and never what is asked for after it. */
export async function cancelLaws() {
  const { desk, asked, sent, question, tell } = await begin();
  desk.generate();
  expect(sent.length === 1, "it is sent");
  desk.cancel();
  desk.generate();
  await tell({ number: 1, kind: "began" });
  expect(sent.length === 1, "what is asked for after Cancel waits until the server has stopped", sent);
  expect(desk.rendering, "and is under way");
  for (const one of asked.filter(({ name }) => name === "cancel")) await one.answer(null);
  await until(() => sent.length === 2, "the second");
  await tell({ number: 1, kind: "cancelled" });
  await tell({ number: 2, kind: "began" });
  await rest();
  const count = asked.filter(({ name }) => name === "cancel").length;
  expect(count === 2, "the first was told twice at most, and the second never", count);
  await question("cancel");
}

/** The history does what its page says, not the page that is on its way. */
export async function historyLaws() {
  const { useWords } = await import("/desk/words.js");
  useWords(new Proxy({}, { get: (_, key) => [String(key), ""] }));
  const { History } = await import("/tabs/history.js");
  const asked = [];
  const real = window.fetch;
  const confirm = window.confirm;
  let confirmed = 0;
  window.confirm = () => !++confirmed;
  window.fetch = (address, { body }) =>
    new Promise((resolve) => {
      const answer = (told) => rest(resolve(new Response(JSON.stringify(told)))).then(rest).then(rest);
      asked.push({ name: String(address).split("/").at(-1), data: JSON.parse(body), answer });
    });
  try {
    const root = document.createElement("main");
    document.body.replaceChildren(root);
    const history = new History(root, () => {});
    const page = (...ids) => ({
      pictures: ids.map((id) => ({ id, path: "p", thumb: "t", name: `${id}`, pinned: false, prompt: "cat", seed: id, infotext: "" })),
      total: ids.length, loras: [], models: [], bin: 0, size: 60,
    });
    history.look();
    await asked.at(-1).answer(page(1, 2));
    const choose = (id) => root.querySelector(`[data-key="${id}"] .history-choose`).click();
    choose(1);
    document.getElementById("history-bin").click();
    document.getElementById("history-delete").click();
    await rest();
    expect(confirmed === 0 && asked.at(-1).name === "history-throw-away", "nothing is deleted for good from this page", asked.at(-1));
    choose(2);
    await asked.at(-1).answer([1]);
    expect(history.chosen.has(2), "what was chosen meanwhile stays chosen", [...history.chosen]);
  } finally {
    window.fetch = real;
    window.confirm = confirm;
  }
}
