/** The app's drawings: strokes on a 24 by 24 grid, in the colour of the text around them. */

const PATHS = {
  share: "M12 15V4m0 0L8 8m4-4 4 4M5 13v6h14v-6",
  copy: "M9 9h10v11H9zM5 15V4h10",
  menu: "M5 12h.01M12 12h.01M19 12h.01",
  send: "M5 12h13m0 0-6-6m6 6-6 6",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  skip: "M6 5v14l9-7zM18 5v14",
  close: "M6 6l12 12M18 6 6 18",
  wall: "M3 5h18v11H3zM9 20h6M12 16v4",
  invite: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2M20 14v6h-6",
  chat: "M4 5h16v11H10l-5 4v-4H4z",
  people:
    "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 19c0-3 3-5 6-5s6 2 6 5M16 5.500a3 3 0 0 1 0 5.500M18 14.500c2 .6 3 2.300 3 4.500",
  music:
    "M9 18V6l10-2v12M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM19 16a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0z",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  crown: "M4 18h16M4 15l-1-8 5 4 4-6 4 6 5-4-1 8z",
  door: "M6 21V4h9v17M4 21h16M12 12h.01",
  spark: "M12 3v5M12 16v5M3 12h5M16 12h5M6 6l3 3M15 15l3 3M18 6l-3 3M9 15l-3 3",
  cloud: "M7 18a4 4 0 0 1-.5-8A6 6 0 0 1 18 9a4.500 4.500 0 0 1-.5 9zM12 12v2M12 17h.01",
  signal: "M4 9c5-5 11-5 16 0M7 13c3-3 7-3 10 0M12 18h.01",
  plane:
    "M12 3c1.200 0 1.500 2 1.500 3.500v3l7 4.500v2l-7-2v4l2 2v1.500L12 20l-3.500 1.500V20l2-2v-4l-7 2v-2l7-4.500v-3C10.500 5 10.800 3 12 3z",
  crowd:
    "M7 10a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM17 10a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM12 14a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM2 17c0-3 2-4.500 4.500-4.500M22 17c0-3-2-4.500-4.500-4.500M7 20c0-3 2-4.500 5-4.500s5 1.500 5 4.500",
  lens: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 21 21M8.500 8.500l4 4M12.500 8.500l-4 4",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 21 21",
  eye: "M2 12c3-5 7-7 10-7 s7 2 10 7c-3 5-7 7-10 7 s-7-2-10-7zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  hourglass: "M6 3h12M6 21h12M7 3c0 5 10 6 10 9 s-10 4-10 9M17 3c0 5-10 6-10 9 s10 4 10 9",
  leaf: "M5 19c0-9 5-14 15-14 0 10-5 15-14 14M5 21c1-4 4-8 8-10",
  plug: "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
  hand: "M7 11V6a1.500 1.500 0 0 1 3 0v4V4a1.500 1.500 0 0 1 3 0v6-5a1.500 1.500 0 0 1 3 0v6-3a1.500 1.500 0 0 1 3 0v6c0 4-2 7-6 7-3 0-5-1-6.500-4L4 13a1.500 1.500 0 0 1 2.500-1.500z",
  moon: "M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z",
  out: "M14 4H5v16h9M10 12h11m0 0-4-4m4 4-4 4",
  tabs: "M8 8h12v12H8zM4 16V4h12",
};

const SVG = "http://www.w3.org/2000/svg";

/** A drawing; words beside it say what it means, so screen readers pass over it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("data-icon", name);
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** The logo: two speech bubbles. */
export function logo() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "logo");
  svg.setAttribute("aria-hidden", "true");
  for (const [kind, d] of [
    ["logo-far", "M9 3h10a3 3 0 0 1 3 3v6a3 3 0 0 1-3 3v3l-4-3H9a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3z"],
    ["logo-near", "M4 9h9a3 3 0 0 1 3 3v4a3 3 0 0 1-3 3H9l-4 3v-3H4a2.500 2.500 0 0 1-2.500-3v-4A3 3 0 0 1 4 9z"],
  ]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", kind);
    svg.append(path);
  }
  return svg;
}
