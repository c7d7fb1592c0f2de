/**
 * A script for a page: the texts whose contrast with what is behind them is less than 4.5 to 1, and
 * the edges of what can be pressed or filled in, and the marks, with less than 3 to 1, as WCAG 2.2
 * computes it. Behind a text is the nearest background that is not transparent.
 */
export const FIND_LOW_CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = read(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    throw new Error("Nothing is behind " + element.outerHTML);
  };
  const measured = [];
  const measure = (element, text, color, least = 4.5) => {
    const [a, b] = [luminance(read(color)), luminance(behind(element))];
    measured.push({ text, least, ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.trim(), element = node.parentElement;
    if (text === "" || !element.checkVisibility() || element.closest("noscript, title")) continue;
    const style = getComputedStyle(element);
    measure(element, text, element.closest("svg") ? style.fill : style.color);
  }
  for (const input of document.querySelectorAll("input[placeholder]")) {
    measure(input, input.placeholder, getComputedStyle(input, "::placeholder").color);
  }
  for (const element of document.querySelectorAll("button, input, .states, .icon, .column")) {
    if (!element.checkVisibility({ opacityProperty: true }) || element.closest(".sprite")) continue;
    const style = getComputedStyle(element), isDrawn = element.closest("svg") !== null;
    const color = element.matches(".column") ? style.fill : isDrawn ? style.color : style.borderColor;
    if (isDrawn) measure(element, element.outerHTML, color, 3);
    else measure(element.parentElement, element.outerHTML, color, 3);
  }
  return { count: measured.length, low: measured.filter(({ ratio, least }) => ratio < least) };
})()`;
