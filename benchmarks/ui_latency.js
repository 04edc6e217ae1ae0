() => {
  // Watches the desk: `seen` from a pointer on a slider to the frame after its strip has changed; `first` from its release to
  // the first preview or picture of the new render; `final` to the finished picture, `bare` what that render took by itself.
  const status = document.querySelector("#status");
  const picture = document.querySelector("#picture");
  const waits = { seen: [], first: [], final: [], bare: [], rested: () => document.title === "LoRA Mixer" };
  window.waits = waits;
  let released = null;
  let at = 0;
  let begun = false;
  let wanted = false;
  document.addEventListener("pointerdown", (event) => {
    if (event.target.type !== "range") return;
    const began = performance.now();
    const number = event.target.closest(".strip").querySelector(".strength");
    const before = number.value;
    const look = () => (number.value === before ? requestAnimationFrame(look) : waits.seen.push(performance.now() - began));
    requestAnimationFrame(look);
  }, true);
  document.addEventListener("pointerup", (event) => {
    if (event.target.type !== "range") return;
    [released, begun, wanted] = [performance.now(), false, true];
    at = released;
  }, true);
  new MutationObserver(() => {
    if (released === null) return;
    if (/Beginning|Step 1 /.test(status.textContent)) begun = true;
    const done = status.textContent.match(/^Seed .*, ([\d.]+) s/);
    if (!done || !begun) return;
    waits.final.push(performance.now() - released);
    waits.bare.push(Number(done[1]) * 1000);
    released = null;
  }).observe(status, { subtree: true, childList: true, characterData: true });
  picture.addEventListener("load", () => {
    if (!wanted || !begun) return;
    waits.first.push(performance.now() - at);
    wanted = false;
  }, true);
}
