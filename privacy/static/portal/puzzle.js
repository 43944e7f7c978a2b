/* A little work for the browser while somebody fills in a form (ALTCHA, proof of work 2, PBKDF2). No dependencies; it
   may stand under the strictest content security policy, and the browser's own cryptography does the work beside the
   page. It begins with the first touch of the form, so that it is mostly over before anybody sends.

   Whatever goes wrong (no secure page, no network, an old browser), the form is sent without: then the server only lets
   fewer of them through. Nobody waits for longer than WAIT. */
(() => {
  "use strict";
  const field = document.querySelector("input[data-puzzle]");
  if (!field || !field.form || !window.crypto || !crypto.subtle || !field.form.requestSubmit) return;
  const { form } = field, note = form.querySelector(".puzzle [role=status]"), bar = form.querySelector(".puzzle progress");
  const BESIDE = 8, MOST = 10000, WAIT = 20000, FRESH = 25 * 60000;
  let work, begun = 0, going = false;

  const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const derive = async ({ cost, keyLength, salt, nonce }, counter) => {
    const start = bytes(nonce), password = new Uint8Array(start.length + 4);
    password.set(start);
    new DataView(password.buffer).setUint32(start.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: cost };
    return hex(await crypto.subtle.deriveBits(how, key, 8 * keyLength));
  };

  const solve = async () => {
    const answer = await fetch(field.dataset.puzzle, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error("no puzzle");
    const challenge = await answer.json(), { parameters } = challenge, since = performance.now();
    if (parameters.algorithm !== "PBKDF2/SHA-256") throw new Error("another puzzle");
    for (let first = 0; first < MOST; first += BESIDE) {
      const keys = await Promise.all(Array.from({ length: BESIDE }, (_, at) => derive(parameters, first + at)));
      const at = keys.findIndex((key) => key.startsWith(parameters.keyPrefix));
      if (at < 0) continue;
      const solution = { counter: first + at, derivedKey: keys[at], time: Math.round(performance.now() - since) };
      return btoa(JSON.stringify({ challenge, solution }));
    }
    throw new Error("no solution");
  };

  const begin = () => {
    if (!work || Date.now() - begun > FRESH) {
      begun = Date.now();
      work = solve();
      work.catch(() => { work = undefined; }); // sending tries once more
    }
    return work;
  };
  const late = () => new Promise((_, fail) => { setTimeout(fail, WAIT); });
  const show = (busy) => {
    note.textContent = busy ? note.dataset.words : "";
    bar.hidden = !busy;
    form.toggleAttribute("aria-busy", busy);
  };

  form.addEventListener("focusin", begin, { once: true });
  form.addEventListener("submit", async (event) => {
    if (field.value) return; // it is there, or has been given up: on its way
    event.preventDefault();
    if (going) return;
    going = true;
    show(true);
    try {
      field.value = await Promise.race([begin(), late()]);
    } catch {
      field.value = "-";
    }
    show(false);
    setTimeout(() => form.requestSubmit(event.submitter)); // not before this event is over: it would be ignored
  });
  // Back from the next page: a solution counts once.
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    field.value = "";
    work = undefined;
    going = false;
  });
})();
