/* The cookie banner: asks, keeps, sends and takes back. No dependencies, no inline code; it may stand under the strictest
   content security policy. Deferred: without it, or before it has come, the banner is a plain form, and boot.js alone says
   what is allowed. A choice takes effect at once and is sent afterwards; until the server has it, it waits in local
   storage, and it may arrive twice: its id is made here. docs/consent-in-the-browser.md says how pages use it. */
(() => {
  "use strict";
  const QUEUE = "crasme_consent_queue", DAY = 864e5;
  const { endpoint } = document.currentScript.dataset;
  const api = window.crasmeConsent, { get } = api, { known, gpc, value, write, read, answered, tell, calls } = api.own;
  const root = document.documentElement;
  let section, opener, memory = [], seen = value(), about = null, seenAt = 0;

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
  let sending;
  const flush = () => { sending = sending || drain().finally(() => { sending = null; }); return sending; };
  const drain = async () => {
    /* A store that can be read but not written would give the same entry for ever. */
    for (let entry, last, answer; (entry = load()[0]) && entry.id !== last; last = entry.id) {
      const { at, seenAt: began, cookie, ...event } = entry;
      const age = Math.max(0, Date.now() - at);
      const body = JSON.stringify({ ...event, age, shown: began && age + Math.max(0, at - began) });
      try {
        answer = await fetch(endpoint, {
          method: "POST", body, keepalive: true, headers: { "Content-Type": "application/json" },
        });
        if (answer.status >= 500 || answer.status === 429) break;
      } catch { break; }
      const rest = load().filter((each) => each.id !== entry.id);
      save(rest);
      /* The answer's cookie knows nothing of a newer choice, made meanwhile here or in another tab, that still waits. */
      if (rest.length) write(rest[rest.length - 1].cookie);
      /* A choice that was refused is held by nobody: the answer brought back what is, or nothing is allowed. */
      else if (!answer.ok) {
        if (value() === cookie) write("");
        changed();
      }
    }
  };

  /* --- what a refusal takes back: cookies on every suffix of the host name and every part of the path, stored keys --- */
  const matches = (pattern, name) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
  const removeCookie = (name) => {
    const labels = location.hostname.split("."), steps = location.pathname.split("/");
    const domains = ["", ...labels.map((_, i) => `; domain=${labels.slice(i).join(".")}`)];
    const paths = steps.flatMap((_, i) => { const path = steps.slice(0, i + 1).join("/"); return [path, `${path}/`]; }).filter(Boolean);
    for (const domain of domains) for (const path of paths) for (const kind of ["", "; secure", "; secure; partitioned"])
      document.cookie = `${name}=; max-age=0; path=${path}${domain}${kind}`;
  };
  /* What is refused and there all the same: [kind, declared name, key] of each. */
  const refused = () => {
    const found = [];
    for (const input of section.querySelectorAll("input[data-clears]")) {
      if (!get(input.value)) for (const entry of input.dataset.clears.split(" ").filter(Boolean)) {
        const at = entry.indexOf(":"), kind = entry.slice(0, at), pattern = entry.slice(at + 1);
        try {
          const keys = kind === "cookie" ? document.cookie.split("; ").map((pair) => pair.split("=")[0]) : Object.keys(window[`${kind}Storage`]);
          for (const key of keys) if (matches(pattern, key)) found.push([kind, pattern, key]);
        } catch { /* storage that is blocked holds nothing */ }
      }
    }
    return found;
  };
  const clear = () => {
    for (const [kind, , key] of refused()) if (kind === "cookie") removeCookie(key); else window[`${kind}Storage`].removeItem(key);
  };
  /* What could not be removed is told to the site's owner: declared names, never a value. */
  const report = () => {
    clear();
    const names = [...new Set(refused().map(([kind, pattern]) => `${kind}:${pattern}`))];
    if (names.length) navigator.sendBeacon?.(`${endpoint}survivors/`, JSON.stringify({ names }));
  };

  /* --- scripts and frames that wait for a permission --- */
  const allowed = (node) => node.dataset.consent.split(" ").every((slug) => get(slug));
  const activate = () => {
    for (const old of document.querySelectorAll('script[type="text/plain"][data-consent]')) {
      if (!allowed(old)) continue;
      const script = document.createElement("script");
      for (const { name, value: text } of old.attributes) if (!["type", "data-consent", "nonce"].includes(name)) script.setAttribute(name, text);
      if (old.nonce) script.nonce = old.nonce;
      script.async = false;
      script.text = old.text;
      old.replaceWith(script);
    }
    for (const frame of document.querySelectorAll("iframe[data-consent][data-src]")) {
      const on = allowed(frame), { src } = frame.dataset, before = frame.previousElementSibling;
      const shown = before && before.matches(".consent-frame") ? before : null;
      frame.hidden = !on;
      if (on && frame.getAttribute("src") !== src) frame.src = src;
      if (!on && frame.hasAttribute("src")) frame.removeAttribute("src");
      if (on && shown) shown.remove();
      if (!on && !shown && section) frame.before(placeholder(frame, src));
    }
  };
  const placeholder = (frame, src) => {
    const slugs = frame.dataset.consent.split(" "), stand = document.createElement("div");
    const words = document.createElement("p"), button = document.createElement("button");
    const titles = slugs.map((slug) => section.querySelector(`[value="${slug}"] + span b`).textContent);
    stand.className = "consent-frame";
    if (frame.height) stand.style.minHeight = `${parseInt(frame.height)}px`;
    words.textContent = section.dataset.frame.replace("{host}", new URL(src, location).host).replace("{category}", titles.join(", "));
    button.type = "button";
    button.className = "consent-button";
    button.textContent = section.dataset.allow;
    if (frame.title) button.ariaLabel = `${section.dataset.allow}: ${frame.title}`;
    button.addEventListener("click", () => {
      decide("save", Object.fromEntries(slugs.map((slug) => [slug, true])), "api", slugs);
      frame.tabIndex = -1;
      frame.focus();
    });
    stand.append(words, button);
    return stand;
  };
  const changed = () => { seen = value(); activate(); tell(); };

  const isOpen = (choice, { bit, since, always }) => !always && (!choice || choice.version < since || choice.open & bit);
  /* A banner that came back asks only what changed; null: everything is on screen. */
  const pending = () => {
    const choice = read(), optional = known.filter((each) => !each.always), left = optional.filter((each) => isOpen(choice, each));
    return left.length < optional.length ? left.map((each) => each.slug) : null;
  };
  const narrow = (asked) => {
    about = asked;
    for (const label of section.querySelectorAll("[data-category]")) label.hidden = !!asked && !asked.includes(label.dataset.category);
  };

  /* `only`: the categories that this is about; the others stay as they are, open ones open. */
  const decide = (action, wanted, surface = "banner", only) => {
    if (!section) return false;
    const earlier = read(), asked = only || surface === "banner" && about || undefined;
    const choices = Object.fromEntries(known.map(({ slug, always }) => [slug, always || (asked && !asked.includes(slug)
      ? get(slug) : action === "accept-all" || (action === "save" && wanted[slug] === true))]));
    const bits = (wanted) => known.reduce((sum, each) => sum + (wanted(each) ? each.bit : 0), 0).toString(16);
    const visitor = (earlier || {}).visitor || uuid(false).replaceAll("-", "");
    const left = only ? `.${bits((each) => !only.includes(each.slug) && isOpen(earlier, each))}` : "";
    const cookie = `1.${bits(({ slug }) => choices[slug])}.${section.dataset.version}.${gpc ? "g" : "-"}.${visitor}${left}`;
    const { dataset: { notice }, lang: language } = section;
    const was = get();
    /* One that is still on its way was made before this one, whatever the way does to the times. */
    const before = load(), { id: after } = before[before.length - 1] || {};
    write(cookie);
    save([...before, { id: uuid(true), visitor, choices, action, surface, notice, language, after, asked, seenAt: surface === "banner" && seenAt || undefined, at: Date.now(), cookie }]);
    clear();
    changed();
    const now = get();
    flush().then(() => {
      report();
      /* The page's content policy knows the origins of what was allowed when it was made. */
      if (known.some(({ slug, reload }) => reload && was[slug] !== now[slug])) location.reload();
    });
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
    if (answered()) return hide();
    decide("close", {});
    hide();
  };
  const open = (from) => {
    if (!section) return false;
    opener = from instanceof Element ? from : document.activeElement;
    const decided = answered();
    if (decided) narrow(null);
    section.classList.add("consent-open");
    section.querySelector("details").open = true;
    for (const input of section.querySelectorAll("input[name=category]")) input.checked = get(input.value);
    const close = section.querySelector(".consent-close");
    close.ariaLabel = close.title = decided ? section.dataset.leave : close.dataset.refuse;
    section.querySelector("h2").focus();
    return true;
  };
  const measure = () => root.style.setProperty("--consent-block", `${section.offsetHeight + 24}px`);

  const start = () => {
    section = document.getElementById("consent");
    if (section) {
      const close = section.querySelector(".consent-close");
      close.dataset.refuse = close.title;
      section.querySelector("[data-consent-gpc]").hidden = !gpc;
      new ResizeObserver(measure).observe(section);
      if (!answered()) {
        narrow(pending());
        seenAt = Date.now();
        /* Counted on a visit's first page, which is known without storing anything: no page of ours led here. */
        if (!document.referrer.startsWith(`${location.origin}/`)) navigator.sendBeacon?.(`${endpoint}shown/`, section.dataset.notice);
      }
      section.addEventListener("submit", (event) => {
        event.preventDefault();
        const action = event.submitter ? event.submitter.value : "save";
        if (action === "close") return leave();
        const wanted = Object.fromEntries(Array.from(section.querySelectorAll("input[name=category]"), (input) => [input.value, input.checked]));
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
    new MutationObserver((list) => list.some((each) => each.addedNodes.length) && activate()).observe(root, { childList: true, subtree: true });
    if (section && answered()) report();
    /* Whoever never chose has nothing that waits, and the store is slow to open. */
    if (read()) flush();
    Object.assign(api, { set: (wanted) => decide("save", wanted, "api"), open });
    for (const [name, given] of calls.splice(0)) api[name](given);
  };

  start();
})();
