/* The cookie banner's script. No dependencies, no inline code; it may stand under the strictest content security policy.

   It runs before the banner's HTML is read, so that somebody who has chosen never sees the banner flash. Without it the
   banner is a plain form. A choice takes effect at once and is sent afterwards; until the server has it, it waits in
   local storage, and it may arrive twice: its id is made here.

     crasmeConsent.get("analytics")   true or false; get() for all of them, with `decided`
     crasmeConsent.on(fn)             calls fn(get()) now and after each change; returns a function that ends it
     crasmeConsent.set({analytics: true})   the visitor chose on the page itself; what is left out is refused
     crasmeConsent.open()             shows the settings
     <script type="text/plain" data-consent="analytics" src="…">   runs once analytics is allowed
     <a href="/cookies/" data-consent-open>                        opens the settings, or the page without scripts */
(() => {
  "use strict";
  const NAME = "crasme_consent", QUEUE = "crasme_consent_queue", DAY = 864e5;
  const { endpoint, asked, categories } = document.currentScript.dataset;
  const root = document.documentElement;
  const known = categories.trim().split(/\s+/).map((entry) => {
    const [slug, bit, since, rule] = entry.split(":");
    return { slug, bit: 1 << bit, since: +since, always: rule === "always", gpc: rule === "gpc" };
  });
  const listeners = new Set();
  const gpc = navigator.globalPrivacyControl === true;
  let section, box, opener, memory = [], seen = "", about = null, seenAt = 0;

  /* --- the cookie: 1.<granted bits, hex>.<notice version>.<g or ->.<visitor> --- */
  const value = () => (document.cookie.match(/(?:^|; )crasme_consent=([^;]*)/) || [])[1] || "";
  const read = () => {
    const found = /^1\.([0-9a-f]{1,4})\.(\d{1,6})\.([g-])\.([0-9a-f]{32})$/.exec(value());
    return found && { mask: parseInt(found[1], 16), version: +found[2], gpc: found[3] === "g", visitor: found[4] };
  };
  const write = (text) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${NAME}=${text}; path=/; max-age=${180 * 86400}; samesite=lax${secure}`;
  };
  const answered = (choice) => !!choice && choice.version >= +asked;
  const allows = (choice, { bit, since, always, gpc: signalled }) =>
    always || (!!choice && !!(choice.mask & bit) && choice.version >= since && !(signalled && gpc && !choice.gpc));

  const get = (slug) => {
    const choice = read();
    const all = Object.fromEntries(known.map((each) => [each.slug, allows(choice, each)]));
    return slug ? all[slug] === true : { ...all, decided: answered(choice) };
  };

  /* --- ids: version 7 carries the time, which is how the server files a choice --- */
  const uuid = (seven) => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    if (seven) for (let i = 0, now = Date.now(); i < 6; i++) bytes[i] = Math.floor(now / 2 ** (40 - 8 * i)) & 255;
    bytes[6] = (bytes[6] & 15) | (seven ? 0x70 : 0x40);
    bytes[8] = (bytes[8] & 63) | 128;
    return Array.from(bytes, (byte, i) => ([4, 6, 8, 10].includes(i) ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
  };

  /* --- sending: kept until the server has it; storage may be blocked, then this page's memory must do --- */
  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(QUEUE) || "[]");
      return kept.concat(memory).filter((each) => Date.now() - each.at < 30 * DAY);
    } catch { return memory; }
  };
  const save = (entries) => {
    try {
      if (entries.length) localStorage.setItem(QUEUE, JSON.stringify(entries.slice(-20)));
      else localStorage.removeItem(QUEUE);
      memory = [];
    } catch { memory = entries; }
  };
  let sending = false;
  const flush = async () => {
    if (sending) return;
    sending = true;
    /* A store that can be read but not written would give the same entry for ever. */
    for (let entry, last; (entry = load()[0]) && entry.id !== last; last = entry.id) {
      const { at, seenAt: began, cookie, ...event } = entry;
      const age = Math.max(0, Date.now() - at);
      const body = JSON.stringify({ ...event, age, shown: began && age + Math.max(0, at - began) });
      try {
        const answer = await fetch(endpoint, {
          method: "POST", body, keepalive: true, credentials: "same-origin", headers: { "Content-Type": "application/json" },
        });
        if (answer.status >= 500 || answer.status === 429) break;
      } catch { break; }
      const rest = load().filter((each) => each.id !== entry.id);
      save(rest);
      /* The answer's cookie knows nothing of a newer choice, made meanwhile here or in another tab, that still waits. */
      if (rest.length) write(rest[rest.length - 1].cookie);
    }
    sending = false;
  };

  /* --- what a refusal takes back: cookies on every suffix of the host name and every part of the path, stored keys --- */
  const matches = (pattern, name) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
  const removeCookie = (name) => {
    const labels = location.hostname.split("."), steps = location.pathname.split("/");
    const domains = ["", ...labels.map((_, i) => `; domain=${labels.slice(i).join(".")}`)];
    const paths = ["/", ...steps.map((_, i) => steps.slice(0, i + 1).join("/")).filter(Boolean)];
    for (const domain of domains) for (const path of paths) document.cookie = `${name}=; max-age=0; path=${path}${domain}`;
  };
  const clear = () => {
    for (const input of section ? section.querySelectorAll("input[data-clears]") : []) {
      if (get(input.value)) continue;
      for (const entry of input.dataset.clears.split(" ").filter(Boolean)) {
        const [kind, pattern] = [entry.slice(0, entry.indexOf(":")), entry.slice(entry.indexOf(":") + 1)];
        if (kind === "cookie") document.cookie.split("; ").map((pair) => pair.split("=")[0]).filter((name) => matches(pattern, name)).forEach(removeCookie);
        else try {
          const store = kind === "local" ? localStorage : sessionStorage;
          Object.keys(store).filter((key) => matches(pattern, key)).forEach((key) => store.removeItem(key));
        } catch { /* storage that is blocked holds nothing */ }
      }
    }
  };

  const activate = () => {
    for (const old of document.querySelectorAll('script[type="text/plain"][data-consent]')) {
      if (!old.dataset.consent.split(" ").every((slug) => get(slug))) continue;
      const script = document.createElement("script");
      for (const { name, value: text } of old.attributes) if (!["type", "data-consent", "nonce"].includes(name)) script.setAttribute(name, text);
      if (old.nonce) script.nonce = old.nonce;
      script.async = false;
      script.text = old.text;
      old.replaceWith(script);
    }
  };
  const changed = () => {
    const state = get();
    seen = value();
    root.dataset.consent = state.decided ? "answered" : "asking";
    activate();
    listeners.forEach((listener) => listener(state));
    document.dispatchEvent(new CustomEvent("crasmeconsent", { detail: state }));
  };

  /* A banner that came back asks only what changed; null: everything is on screen. */
  const pending = () => {
    const choice = read(), optional = known.filter((each) => !each.always);
    const left = optional.filter((each) => choice && choice.version < each.since);
    return choice && left.length < optional.length ? left.map((each) => each.slug) : null;
  };
  const narrow = (asked) => {
    about = asked;
    for (const label of section.querySelectorAll("[data-category]")) label.hidden = !!asked && !asked.includes(label.dataset.category);
  };

  const decide = (action, wanted, surface = "banner") => {
    if (!section) return false;
    const earlier = read(), asked = surface === "banner" && about || undefined;
    const choices = Object.fromEntries(known.map(({ slug, bit, always }) => [slug, always || (asked && !asked.includes(slug)
      ? !!(earlier && earlier.mask & bit) : action === "accept-all" || (action === "save" && wanted[slug] === true))]));
    const mask = known.reduce((sum, { slug, bit }) => sum + (choices[slug] ? bit : 0), 0);
    const visitor = (earlier || {}).visitor || uuid(false).replaceAll("-", "");
    const cookie = `1.${mask.toString(16)}.${section.dataset.version}.${gpc ? "g" : "-"}.${visitor}`;
    const { dataset: { notice }, lang: language } = section;
    write(cookie);
    /* One that is still on its way was made before this one, whatever the way does to the times. */
    const before = load(), after = (before[before.length - 1] || {}).id;
    save([...before, { id: uuid(true), visitor, choices, action, surface, notice, language, after, asked, seenAt: surface === "banner" && seenAt || undefined, at: Date.now(), cookie }]);
    clear();
    changed();
    flush();
    return true;
  };

  /* --- the banner --- */
  const hide = () => {
    const inside = section.contains(document.activeElement);
    section.classList.remove("consent-open");
    if (inside) (opener && opener.isConnected ? opener : document.querySelector("main") || document.body).focus({ preventScroll: true });
    opener = null;
  };
  const leave = () => {
    if (answered(read())) return hide();
    decide("close", {});
    hide();
  };
  const open = (from) => {
    if (!section) return false;
    opener = from instanceof Element ? from : document.activeElement;
    const decided = answered(read());
    narrow(null);
    seenAt = Date.now();
    section.classList.add("consent-open");
    section.querySelector("details").open = true;
    for (const input of section.querySelectorAll("input[name=category]")) input.checked = get(input.value);
    const close = section.querySelector(".consent-close"), label = decided ? section.dataset.leave : close.dataset.refuse;
    close.setAttribute("aria-label", label);
    close.title = label;
    section.querySelector("h2").focus();
    return true;
  };
  const measure = () => root.style.setProperty("--consent-block", `${Math.ceil(section.getBoundingClientRect().height) + 24}px`);

  const start = () => {
    section = document.getElementById("consent");
    if (section) {
      box = section.querySelector("form");
      const close = section.querySelector(".consent-close");
      close.dataset.refuse = close.title;
      section.querySelector("[data-consent-gpc]").hidden = !gpc;
      new ResizeObserver(measure).observe(section);
      if (!answered(read())) {
        narrow(pending());
        seenAt = Date.now();
        /* Counted on a visit's first page, which is known without storing anything: no page of ours led here. */
        if (!document.referrer.startsWith(`${location.origin}/`)) navigator.sendBeacon(`${endpoint}shown/`, section.dataset.notice);
      }
      box.addEventListener("submit", (event) => {
        event.preventDefault();
        const action = event.submitter ? event.submitter.value : "save";
        if (action === "close") return leave();
        const wanted = Object.fromEntries(Array.from(box.querySelectorAll("input[name=category]"), (input) => [input.value, input.checked]));
        decide(action, wanted);
        document.getElementById("consent-status").textContent = section.dataset.saved;
        hide();
      });
      /* Only from inside: Escape pressed elsewhere on the page is meant for something else. */
      section.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.preventDefault(); leave(); } });
    }
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-consent-open]");
      if (link && open(link)) event.preventDefault();
    });
    /* Another tab may have chosen meanwhile, or this page comes back from the browser's memory. */
    const look = () => { if (!document.hidden && value() !== seen) changed(); };
    document.addEventListener("visibilitychange", look);
    addEventListener("pageshow", look);
    addEventListener("online", flush);
    activate();
    flush();
  };

  window.crasmeConsent = {
    get,
    on(listener) { listeners.add(listener); listener(get()); return () => listeners.delete(listener); },
    set(wanted) { return decide("save", wanted, "api"); },
    open,
  };
  root.dataset.consent = answered(read()) ? "answered" : "asking";
  seen = value();
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
