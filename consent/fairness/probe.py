"""What is read from the page, in the browser's own figures. JavaScript, run from outside of the page's policy."""

from typing import Final

# Colours are resolved by drawing them; a contrast is that of WCAG 2.2 (relative luminance).
FIGURES: Final = """
() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (colour) => {
    pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const ratio = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return Math.round((a + .05) / (b + .05) * 100) / 100;
  };
  const opacity = (node) => node ? +getComputedStyle(node).opacity * opacity(node.parentElement) : 1;
  const shown = (node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const words = (node) => node.getAttribute('aria-label') || node.textContent;
  const name = (node) => words(node).trim().replace(/\\s+/g, ' ').slice(0, 60);
  const box = (node) => {
    const {x, y, width, height} = node.getBoundingClientRect();
    return {x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height)};
  };
  const figure = (node) => {
    if (!node) return null;
    const s = getComputedStyle(node), {left, top, right, bottom} = node.getBoundingClientRect();
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return {
      name: name(node), ...box(node), shown: shown(node), tag: node.localName, tab: node.tabIndex,
      in_view: top >= 0 && left >= 0 && bottom <= innerHeight + 1 && right <= innerWidth + 1,
      covered: !hit || !(node === hit || node.contains(hit)),
      font: [s.fontFamily, s.fontSize, s.fontWeight, s.fontStyle, s.letterSpacing, s.textTransform,
             s.textDecorationLine].join(' | '),
      shape: [s.borderTopWidth, s.borderTopStyle, s.borderTopLeftRadius, s.boxShadow, s.backgroundImage, s.filter,
              s.transform].join(' | '),
      opacity: Math.round(opacity(node) * 100) / 100,
      contrast: ratio(rgb(s.color), behind(node)), against: ratio(behind(node), behind(node.parentElement)),
      edge: ratio(rgb(s.borderTopColor), behind(node.parentElement)),
    };
  };
  const section = document.querySelector('#consent');
  const find = (selector) => section && section.querySelector(selector);
  const all = (selector) => section ? [...section.querySelectorAll(selector)].filter(shown) : [];
  const answer = (action) => figure(find(`[name=action][value="${action}"]`));
  const first = {accept: answer('accept-all'), refuse: answer('refuse-all'), close: answer('close')};
  const height = section ? Math.round(find('form').offsetHeight / innerHeight * 100) / 100 : 0;
  const more = find('details');
  if (more) more.open = true;  // what stands behind it is judged as well
  const pale = [];
  for (const node of all('*')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own) continue;
    const style = getComputedStyle(node), size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const found = ratio(rgb(style.color), behind(node));
    if (found < least || opacity(node) < 1) pale.push({name: name(node), contrast: found, opacity: opacity(node)});
  }
  const target = (node) => node.localName === 'input' && node.closest('label') || node;
  const small = all('button, summary, input:not([type=hidden])').map(target)
    .map((node) => ({name: name(node), ...box(node)})).filter(({width, height}) => width < 24 || height < 24);
  const sideways = document.documentElement.scrollWidth - innerWidth;
  if (more) more.open = false;
  return {
    ...first, pale, small, sideways, height,
    ticked: section ? [...section.querySelectorAll('input:checked:not(:disabled)')].map((node) => node.value) : [],
    direction: section ? getComputedStyle(section).direction : '',
  };
}
"""
FOCUSED: Final = """() => { const node = document.activeElement;
    return node && node.closest('#consent') ? node.value || node.localName : '' }"""
OUTCOME: Final = """() => { const section = document.querySelector('#consent'), state = crasmeConsent.get();
    return { decided: state.decided, open: section.checkVisibility(),
             granted: Object.keys(state).filter((slug) => slug !== 'decided' && state[slug]).sort(),
             always: section.querySelectorAll('label :disabled').length }; }"""
