/* The first part of the banner's script: what was chosen, before anything else on the page runs. Stands in <head>, not
   deferred: somebody who has chosen never sees the banner flash, and tags that ask for permission find "denied" before
   they ask. Small for that reason; the rest is consent.js. docs/consent-in-the-browser.md says how pages use it. */
(() => {
  "use strict";
  const { asked, categories, google } = document.currentScript.dataset;
  const root = document.documentElement, listeners = new Set(), calls = [];
  const gpc = navigator.globalPrivacyControl === true;
  const known = categories.trim().split(/\s+/).map((entry) => {
    const [slug, bit, since, rule, reload] = entry.split(":");
    return { slug, bit: 1 << bit, since: +since, always: rule === "always", gpc: rule === "gpc", reload };
  });

  /* The cookie: 1.<granted bits, hex>.<notice version>.<g or ->.<visitor>[.<bits still open, hex>]. Where cookies are blocked, this page's memory. */
  let memory = "";
  const value = () => {
    try { return (document.cookie.match(/(?:^|; )crasme_consent=([^;]*)/) || [])[1] || memory; } catch { return memory; }
  };
  const write = (text) => {
    memory = "";
    try { document.cookie = `crasme_consent=${text}; path=/; max-age=${text ? 15552000 : 0}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`; } catch { /* blocked */ }
    if (value() !== text) memory = text;
  };
  const read = () => {
    const found = /^1\.([0-9a-f]{1,4})\.(\d{1,6})\.([g-])\.([0-9a-f]{32})(?:\.([0-9a-f]{1,4}))?$/.exec(value());
    return found && { open: parseInt(found[5] || 0, 16), mask: parseInt(found[1], 16), version: +found[2], gpc: found[3] === "g", visitor: found[4] };
  };
  const answered = () => { const { open, version } = read() || { open: 1 }; return !open && version >= +asked; };
  const get = (wanted) => {
    const choice = read(), all = {};
    for (const { slug, bit, since, always, gpc: signalled } of known)
      all[slug] = always || (!!choice && !!(choice.mask & bit) && choice.version >= since && !(signalled && gpc && !choice.gpc));
    return wanted ? all[wanted] === true : { ...all, decided: answered() };
  };

  /* Google Consent Mode, only where the page names signals ("analytics_storage=analytics ad_storage="). */
  const signal = (...command) => {
    if (!google) return;
    const all = {};
    for (const pair of google.split(" ")) {
      const [name, slug] = pair.split("=");
      all[name] = command[0] === "update" && slug && get(slug) ? "granted" : "denied";
    }
    (function () { (window.dataLayer = window.dataLayer || []).push(arguments); })("consent", command[0], all);
  };
  const mark = () => { root.dataset.consent = answered() ? "answered" : "asking"; };
  const tell = () => {
    const state = get();
    mark();
    signal("update");
    listeners.forEach((listener) => listener(state));
    document.dispatchEvent(new CustomEvent("crasmeconsent", { detail: state }));
  };
  const later = (name) => (given) => { calls.push([name, given]); return false; };

  window.crasmeConsent = {
    get,
    on(listener) { listeners.add(listener); listener(get()); return () => listeners.delete(listener); },
    set: later("set"),
    open: later("open"),
    own: { known, gpc, value, write, read, answered, tell, calls },
  };
  signal("default");
  if (answered()) signal("update");
  mark();
})();
