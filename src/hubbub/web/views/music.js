/** The track that plays, and the host's buttons. */
import { FILENAME_CHARS_MAX } from "../core/contract.js";
import { el, limitChars, put, submitted } from "./dom.js";
import { icon } from "./icons.js";

const BARS = 4;

/** The track in one line, for guests and the wall. */
export function nowPlaying() {
  const bars = el(
    "span",
    { class: "bars", "aria-hidden": "true" },
    ...Array.from({ length: BARS }, () => el("i", { class: "bar" })),
  );
  const track = el("strong", { class: "track-name", dir: "auto" });
  const status = el("span", { class: "muted track-status" });
  const root = el("div", { class: "now-playing" }, bars, el("div", { class: "now-playing-words" }, track, status));
  return {
    root,
    draw(model) {
      put(bars, { "data-playing": model.playing });
      put(track, { text: model.track });
      put(status, { text: [model.status, model.clock].filter((part) => part !== "").join(" · ") });
    },
  };
}

/** The host's panel. Of `actions` it needs `playTrack`, `queueTrack`, `play`, `pause` and `skip`. */
export function musicView(actions, t) {
  const now = nowPlaying();
  const toggle = el("button", { type: "button", class: "button button-main", "data-action": "toggle" });
  const skip = el(
    "button",
    { type: "button", class: "button", "data-action": "skip", on: { click: () => actions.skip() } },
    icon("skip"),
    el("span", { text: t("music.skip") }),
  );
  const next = el("span", { class: "next-track-name", dir: "auto" });
  const clear = el(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-label": t("music.clearNext"),
      title: t("music.clearNext"),
      on: { click: () => actions.queueTrack(null) },
    },
    icon("close"),
  );
  const upNext = el("p", { class: "next-track" }, el("span", { class: "label", text: t("music.next") }), next, clear);
  const field = el("input", {
    id: "track",
    name: "track",
    type: "text",
    class: "field",
    autocomplete: "off",
    dir: "auto",
    placeholder: t("music.addHint"),
    enterkeyhint: "done",
  });
  limitChars(field, FILENAME_CHARS_MAX);
  const withTrack = async (choose) => {
    const track = field.value.trim();
    if (track === "") return field.focus();
    field.value = "";
    // A track that was not accepted goes back into the field, unless it holds another text by now.
    if (!(await choose(track)) && field.value === "") field.value = track;
  };
  const root = el(
    "section",
    { class: "panel panel-music", "aria-labelledby": "music-title", "data-part": "music" },
    el(
      "header",
      { class: "panel-head" },
      el("h2", { id: "music-title", class: "panel-title", text: t("music.title") }),
    ),
    now.root,
    el("div", { class: "row" }, toggle, skip),
    upNext,
    el(
      "form",
      { class: "stack", on: { submit: submitted(() => withTrack((track) => actions.playTrack(track))) } },
      el("label", { for: "track", class: "label", text: t("music.add") }),
      field,
      el(
        "div",
        { class: "row" },
        el("button", { type: "submit", class: "button", text: t("music.setNow") }),
        el("button", {
          type: "button",
          class: "button",
          text: t("music.setNext"),
          on: { click: () => withTrack((track) => actions.queueTrack(track)) },
        }),
      ),
    ),
    el("p", { class: "hint", text: t("music.note") }),
  );
  let playing = false;
  toggle.addEventListener("click", () => (playing ? actions.pause() : actions.play()));
  return {
    root,
    draw(model) {
      now.draw(model);
      if (toggle.dataset.shows !== String(model.playing)) {
        const id = model.playing ? "pause" : "play";
        toggle.replaceChildren(icon(id), el("span", { text: t(`music.${id}`) }));
      }
      playing = model.playing;
      put(toggle, { disabled: !model.hasTrack, "data-shows": String(model.playing) });
      put(skip, { disabled: model.next === null });
      put(upNext, { hidden: model.next === null });
      put(next, { text: model.next ?? "" });
    },
  };
}
