/** Who is logged in, and the way out: there only where the server asks for a name. */

import { h } from "../desk/dom.js";
import { gradio, say } from "./words.js";

const name = gradio.username;
if (name) {
  const out = h("a", { href: "logout", class: "log-out", id: "log-out" }, say("log_out", { name }));
  document.body.append(out);
}
