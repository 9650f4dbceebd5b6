/** Reactions that rise over the screen. They are decoration and hidden from screen readers. */
import { el } from "./dom.js";

const AT_ONCE_MAX = 40;
const OF_ONE_MAX = 8;

/** The layer that reactions rise in; `random` gives 0 to 1. */
export function reactionOverlay(random) {
  const root = el("div", { class: "floats", "aria-hidden": "true" });

  function rise(emoji) {
    if (root.childElementCount >= AT_ONCE_MAX) root.firstElementChild.remove();
    const float = el("span", { class: "float", text: emoji, on: { animationend: () => float.remove() } });
    float.style.setProperty("--from", random().toFixed(3));
    float.style.setProperty("--sway", (random() * 2 - 1).toFixed(3));
    root.append(float);
  }

  return {
    root,
    /** Let the emoji of `counts` rise, a few of each at most. */
    show(counts) {
      for (const [emoji, count] of Object.entries(counts)) {
        for (let n = 0; n < Math.min(count, OF_ONE_MAX); n += 1) rise(emoji);
      }
    },
  };
}
