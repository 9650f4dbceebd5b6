// What bench/page.py puts into each page before the page's own scripts: when first it could be used, and how it runs.
"use strict";
(() => {
  const bench = (window.bench = { seen: {}, tappedAt: null });

  const reachable = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0) return false;
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  };
  const button = (name) =>
    [...document.querySelectorAll("button")].find((one) => one.textContent.trim().startsWith(name));
  const screen = () => document.documentElement.dataset.screen;
  const tilesOf = (code) =>
    [...document.querySelectorAll('[role="img"]')].some(
      (one) => one.textContent === code && one.getBoundingClientRect().height > 0,
    );
  const SIGHTS = {
    startable: () => screen() === "home" && reachable(button("Start a party")),
    joinable: () => screen() === "link" && reachable(button("Join")),
    inside: () => screen() === "party" && tilesOf(location.pathname.slice("/p/".length)),
  };

  // At the frame after the one that drew it; milliseconds since the page was asked for.
  const look = () => {
    for (const [name, isThere] of Object.entries(SIGHTS)) {
      if (bench.seen[name] === undefined && document.body !== null && isThere()) bench.seen[name] = performance.now();
    }
    if (bench.seen.inside === undefined) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  document.addEventListener("pointerdown", (event) => (bench.tappedAt ??= event.timeStamp), { capture: true });

  let run = null;
  const tasks = new PerformanceObserver((list) => run?.tasks.push(...list.getEntries().map((entry) => entry.duration)));
  tasks.observe({ type: "longtask" });

  bench.begin = () => {
    const mine = (run = { tasks: [], frames: [], last: null });
    const frame = (at) => {
      if (run !== mine) return;
      if (mine.last !== null) mine.frames.push(at - mine.last);
      mine.last = at;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  };
  bench.end = () => {
    const { tasks: long, frames } = run;
    run = null;
    return { tasks: long, frames };
  };
  // From a tap to the frame after the one that shows its effect.
  bench.show = (tab) =>
    new Promise((resolve) => {
      const from = performance.now();
      document.querySelector(`[data-tab="${tab}"]`).click();
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - from)));
    });
})();
