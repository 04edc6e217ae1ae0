/** The page in front: follows the server while it opens the model, and gives way to the desk when it is there. */

const PAUSE = 400; // milliseconds
const GIVEN_UP = 12; // questions that nobody answered, one after the other

const says = /** @type {HTMLElement} */ (document.querySelector("#opening"));
const bar = /** @type {HTMLProgressElement} */ (document.querySelector("progress"));
let unanswered = 0;

/** Ask how far the server is, once. */
async function follow() {
  try {
    const answer = await fetch("opening", { cache: "no-store" });
    if (!answer.headers.has("retry-after")) return location.reload();
    const { detail, done, seconds } = await answer.json();
    unanswered = 0;
    if (says.dataset.said !== detail) says.textContent = says.dataset.said = detail;
    bar.value = done;
    document.title = `${Math.round(100 * done)} % · LoRA Mixer`;
    bar.title = `${Math.round(seconds)} s`;
  } catch {
    unanswered += 1;
  }
  if (unanswered < GIVEN_UP) return setTimeout(follow, PAUSE);
  document.body.classList.add("ended");
  says.textContent = document.body.dataset.ended ?? "";
}

follow();
